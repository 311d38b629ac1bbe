package nexmotest

import "github.com/conversation-events/nexmo"

// Client returns a client of the REST API that acts as the application. The
// options come after those that have it reach the server.
func (s *Server) Client(opts ...nexmo.ClientOption) *nexmo.Client {
	for i, o := range opts {
		if o == nil {
			panic(nilOption("Client", i))
		}
	}
	credentials, err := s.credentials()
	if err != nil {
		s.fail("nexmotest: Client: %v", err)
	}
	c, err := nexmo.NewClient(credentials, append([]nexmo.ClientOption{nexmo.WithBaseURL(s.URL()), nexmo.WithHTTPClient(s.client)}, opts...)...)
	if err != nil {
		s.fail("nexmotest: Client: %v", err)
	}
	return c
}
