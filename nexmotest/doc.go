// Package nexmotest helps to test programs that use package nexmo.
//
// A [Server] is a Conversation service in the process of the test: its REST API,
// and its webhooks, signed, sent again and in order as the service's own.
//
//	bot := &nexmo.WebhookHandler{Verifier: &nexmo.Verifier{Secrets: []string{"secret"}}, Sink: app}
//	server := nexmotest.NewServer(t, nexmotest.WithSignatureSecret("secret"), nexmotest.WithEventHandler(bot))
//
//	conversation := server.CreateConversation("support")
//	alice := server.Join(conversation, "alice")
//	server.Emit(conversation, &nexmo.Text{Text: "help"}, nexmotest.From(alice))
//	server.ExpectRequest("POST /v1/conversations/*/events") // the bot answers
//
// [Server.Client] returns a client of it, for the bot to answer with.
//
// # Sessions
//
// Clients log in at [Server.WebsocketURL] with a token of [Server.UserToken], the
// official client SDKs included, and get the events of their conversations. A
// session outlives its connection: what a client did not acknowledge, or missed,
// it gets when it resumes the session, within a quarter of an hour.
// [Server.ExpectLogin] and [Server.ExpectAck] wait for what clients do.
//
// # Faults
//
// [Server.Faults] has things go wrong that do with the real service: webhooks
// that are lost, doubled, late or out of order, requests that fail, sessions that
// are cut, ended, or refused.
//
// # Time
//
// The server has no clock of its own. In a bubble of testing/synctest, where
// nothing may touch a network, [InMemory] and [WithEventHandler] let it run: there
// a webhook is sent again after hours that pass at once.
//
// # Without a server
//
// [SignedRequest] and [Sign] make a webhook, or its token, for a handler that is
// tested alone.
package nexmotest
