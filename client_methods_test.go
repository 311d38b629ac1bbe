package nexmo_test

import (
	"io"
	"net/http"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// withoutRequests are the exported methods of Client and Conversation that make no
// request.
var withoutRequests = []string{
	"Client.EventsAfter", // returns the iterator of Client.Events, which makes them
	"Conversation.Close", "Conversation.Deliver", "Conversation.Events", "Conversation.Handled", "Conversation.ID", "Conversation.Info",
	"Conversation.LastEventID", "Conversation.Member", "Conversation.Members",
	"Conversation.On", "Conversation.Redeliver", "Conversation.Once", "Conversation.Use", "Conversation.Watch", // of its EventDispatcher
}

// TestMethodsHaveRequestsAndRoutes fails when an exported method of Client or
// Conversation has no case among requestCases and is not in withoutRequests, and when
// nexmotest has no route for the request of a case.
func TestMethodsHaveRequestsAndRoutes(t *testing.T) {
	t.Parallel()
	var methods []string
	for _, v := range []any{(*nexmo.Client)(nil), (*nexmo.Conversation)(nil)} {
		of := reflect.TypeOf(v)
		for m := range of.Methods() {
			methods = append(methods, of.Elem().Name()+"."+m.Name)
		}
	}
	server := nexmotest.NewServer(t, nexmotest.InMemory())
	requested := map[string]bool{}
	for group, cases := range requestCases() {
		for _, tt := range cases {
			c, transport := expecting(t, tt.calls...)
			if _, err := tt.do(t.Context(), c); err != nil {
				t.Errorf("%s/%s: %v", group, tt.name, err)
			}
			for _, method := range transport.called {
				requested[method] = true
			}
			for _, call := range tt.calls {
				if group != "do" { // which is for requests that have no method, here or there
					expectRoute(t, server, group+"/"+tt.name, call)
				}
			}
		}
	}
	for _, method := range methods {
		switch quiet := slices.Contains(withoutRequests, method); {
		case requested[method] && quiet:
			t.Errorf("%s makes requests: take it out of withoutRequests", method)
		case !requested[method] && !quiet:
			t.Errorf("%s has no case: add one to requestCases, or the method to withoutRequests if it makes no request", method)
		}
	}
	for _, method := range withoutRequests {
		if !slices.Contains(methods, method) {
			t.Errorf("withoutRequests has %s, which does not exist", method)
		}
	}
}

// expectRoute makes the request of a case to a server of nexmotest. What the path
// names does not exist there: any answer of a route will do.
func expectRoute(t *testing.T, server *nexmotest.Server, name string, call exchange) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), call.method, server.URL()+call.target, strings.NewReader(call.body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+server.Token())
	r.Header.Set("Content-Type", "application/json")
	resp, err := server.HTTPClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(body), string(nexmo.ErrorCodeRouteNotFound)) || resp.StatusCode == http.StatusMethodNotAllowed || resp.StatusCode >= 500 {
		t.Errorf("%s: nexmotest has no route for %s %s: %d %s", name, call.method, call.target, resp.StatusCode, body)
	}
}

// methodInFrame matches the name of a function on the stack: that of a method, or of
// its iterator where that is inlined into the function of a test.
var methodInFrame = regexp.MustCompile(`/nexmo(?:_test)?\.(?:.*?\.)?\(\*(Client|Conversation)\)\.([A-Z]\w*)`)

// callingMethod returns the exported method that a test called, and that made the
// request which is under way: the outermost one on the stack. A method that calls
// another one is no case of that other one.
func callingMethod() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs[:])])
	method := ""
	for {
		frame, more := frames.Next()
		if m := methodInFrame.FindStringSubmatch(frame.Function); m != nil {
			method = m[1] + "." + m[2]
		}
		if !more {
			return method
		}
	}
}
