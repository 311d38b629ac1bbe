// Package nexmo handles the events of the Conversation API of Nexmo, which is
// Vonage today. It is not an official package.
//
// Conversations, Members and Applications fire events. A program receives them
// by a webhook, over a realtime session, or from a list, and handles them:
//
//	app := nexmo.NewApplication("")
//	app.OnConversation(func(conversation *nexmo.Conversation) {
//		conversation.On("member:joined", func(ctx context.Context, e *nexmo.Event) error {
//			member, _ := conversation.Member(e.MemberID())
//			fmt.Println(member.UserName, "joined")
//			return nil
//		})
//	})
//
//	e, err := nexmo.ParseEvent(body)
//	if err != nil {
//		return err
//	}
//	return app.Deliver(ctx, e) // nil: it has been handled
//
// The sections below go the way of an event: what it is, who handles it, what is
// promised on the way, and where it comes from.
//
// # Events
//
// [ParseEvent] and [ParseEvents] read what every generation of the service sends
// into one form, the [Event]. Its Type is one of the constants, such as
// [EventMemberJoined], or whatever else the service sent; its Body is the struct
// of that type, such as [*MemberJoined]; its Raw is the text as received. Content is
// never a reason to refuse an event: a value that does not fit is left out and listed
// by [Event.Misfits], and the other fields are there. The Body of an event of a type
// that is not known, and a body that is not an object, is a [*RawBody].
//
//	switch b := e.Body.(type) {
//	case *nexmo.Text:
//		fmt.Println(b.Text)
//	case *nexmo.AudioDTMF:
//		fmt.Println("pressed", b.Digits)
//	case *nexmo.RawBody:
//		fmt.Println("new, or no object:", b.Type, b.Err)
//	}
//
// Where only one type is of interest, [As] asks for it:
//
//	if text, ok := nexmo.As[*nexmo.Text](e); ok {
//		fmt.Println(text.Text)
//	}
//
// Events are shared by all who handle them: they are not to be changed. An event
// keeps nothing of the bytes that it was parsed from.
//
// # Handlers
//
// A [Handler] is registered with On, under the name of a type or a pattern: "*"
// for all events, "member:*" for one family. The function [On] registers one
// that is given its body, and [OnCustom] one for an application's own events:
//
//	off := conversation.On("audio:*", handler)
//	nexmo.On(conversation, func(ctx context.Context, e *nexmo.Event, b *nexmo.AudioDTMF) error { … })
//	nexmo.OnCustom(conversation, "order", func(ctx context.Context, e *nexmo.Event, o *Order) error { … })
//
// On returns a function that takes the handler off again. Once takes a handler
// off when it has handled an event without an error. Use wraps all handlers in a
// [Middleware], as in net/http.
//
// An [EventDispatcher] is handlers and nothing else. A [Conversation] adds what
// makes them safe to rely on: each event once, in order, and the state of the
// conversation and its members as it is after the event. An [Application] routes
// events to conversations, and makes them as they are heard of; handlers for every
// conversation belong in [Application.OnConversation].
//
// [Conversation.Member], [Conversation.Members] and [Conversation.Info] tell the
// state, and [Conversation.Events] the last events, with [WithHistory].
// [Conversation.Watch] is a loop in place of a handler.
//
// # Delivery
//
// A [Conversation] promises:
//
//  1. Handlers of one event run one after another in the order of their
//     registration, those of patterns included, and those of the Application
//     before those of the Conversation. Deliver returns when all have returned,
//     with their errors joined. For an event held back (5) that is when its turn
//     has come: what a webhook acknowledges has been handled. If ctx ends first,
//     an event still held back is withdrawn and the error of ctx returned, so
//     that the sender may try again. A sequential stream, such as [Replay], hands
//     over without waiting behind its own gap; [Feed] reports the outcome of each
//     event of one.
//  2. Events of one conversation are never handled concurrently; those of
//     different conversations may be.
//  3. Members and conversation state are as they are after the event when its
//     handlers run.
//  4. A handler handles an event with an ID at most once unless it failed: when the
//     event is delivered again, only the handlers run that returned an error or
//     panicked. Handlers are told apart by their registration: one that was taken off
//     counts as done, and one that was registered meanwhile does not run. State is
//     changed once; a retry sees today's state. The memory is of the process.
//     [Application.Redeliver] and [Conversation.Redeliver], which a person asks for, run
//     all handlers once more and leave state alone.
//  5. IDs are handled in rising order. A gap is held back until the missing
//     events come, are fetched once from the [Source], or the window of events or
//     time passes ([WithReorderWindow]); what stays missing is reported as a
//     [Gap], and never waited for twice. One reading of the Source is for all that
//     is missing below the highest event held back. An event that arrives after its
//     gap was given up is still handled, once.
//  6. The log of a conversation whose conversation:created was seen begins at 1. If
//     that is seen after the first events, what lies below them is fetched from the
//     Source, or reported as a Gap, once. Otherwise the first event seen sets the
//     baseline, unless [WithStart], Sync, Load or [Replay] did. An event below the
//     baseline that was never handled is handled when it arrives, once. What failed
//     is remembered until it was handled or set aside, and what has not come as up to
//     1024 runs of IDs below the last 1024 IDs: an event that may have been forgotten
//     is logged and counts as handled. An event whose ID is above 2^40, or 2^20 or
//     more above the next expected, is handled at once like one without an ID, with
//     a warning, and changes nothing for the others.
//  7. Events without an ID (typing, ephemeral, application, knocker) pass
//     straight through, in the order of arrival. Those that name their own cause are
//     handled once each unless their handlers failed: app:knocking and
//     app:knocking:cancel, by the knocker in From. The last 16,384 are remembered.
//  8. Handlers may call On, off, Once, Use and Deliver. What they deliver to a
//     Conversation or an Application is queued behind the current event: that nested
//     Deliver, recognised by its ctx, returns nil at once, and its errors go to the
//     logger and to the outer caller. An [EventDispatcher] handles a nested event
//     at once, and returns its errors. No lock is held while user code runs. off is
//     idempotent and takes effect from the next event.
//  9. A panic in one handler becomes a [*PanicError]; the other handlers still
//     run.
//  10. No goroutine outlives its owner: what waits for a gap ends with Close.
//  11. What no retry mends is set aside, never dropped in silence, and holds up
//     nothing: see [DeadLetter].
//  12. What is only helpful does not fail an event: members that cannot be loaded and
//     gaps that cannot be filled are logged, and the event is handled without.
//  13. Every event can be read back: [ParseEvent] of its Raw, and of the JSON that it
//     is marshalled to, give it again, whichever way it came in.
//
// What fits nowhere is no reason to lose an event: a field of another shape than is
// documented stays zero, the rest is read, and [Event.Misfits] lists what did not fit.
//
// # Webhooks
//
// A [WebhookHandler] is an http.Handler for the rtc event_url of an application:
// it has a [Verifier] verify each webhook, delivers its event, and answers when
// that has been handled, or so that the service sends the event again.
//
//	http.Handle("/events", &nexmo.WebhookHandler{
//		Verifier: &nexmo.Verifier{Secrets: []string{secret}}, // the signature secret of the account
//		Sink:     app,
//	})
//
// Before a program ends, [WebhookHandler.Drain] waits for what is under way, and
// [Application.Close] handles what is held back. [WebhookHandler.Handle] does the same
// without net/http, for queues, functions in a cloud and other HTTP libraries.
//
// # Requests
//
// A [Client] makes requests to the service, with tokens that [Credentials] make:
// those of the application, or with [Credentials.User] those of a user. Its lists
// are sequences to range over, which ask for the next page as the loop needs it:
//
//	credentials, err := nexmo.NewCredentialsFromFile(applicationID, "private.key")
//	if err != nil {
//		return err
//	}
//	client, err := nexmo.NewClient(credentials)
//	if err != nil {
//		return err
//	}
//	for e, err := range client.Events(ctx, "CON-1", nil) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(e.ID, e.Type)
//	}
//
// [Client.Conversation] is a Conversation with what the service tells of it, that
// fetches missing events by itself and has the verbs of the field, such as
// [Conversation.SendMessage] and [Conversation.Say]:
//
//	conversation, err := client.Conversation(ctx, "CON-1")
//	if err != nil {
//		return err
//	}
//	_, err = conversation.SendMessage(ctx, nexmo.TextMessage("Hello."), nexmo.From(memberID))
//	return err
//
// [WithClient] gives them to any other Conversation, and to all of an Application.
// What is safe to repeat is tried again, as [RetryPolicy] says; [Client.Do] makes
// requests that this package has no method for.
//
// # Sessions
//
// A [Session] receives the events of a user as they happen, without a webhook or a
// public address. [Dial] logs the user in, and [Session.Run] delivers to any [Sink]:
//
//	tokens := credentials.User("alice", 0, nexmo.ClientACL())
//	client, err := nexmo.NewClient(tokens)
//	if err != nil {
//		return err
//	}
//	session, err := nexmo.Dial(ctx, tokens)
//	if err != nil {
//		return err
//	}
//	defer session.Close()
//	return session.Run(ctx, nexmo.NewApplication("", nexmo.WithClient(client)))
//
// A lost connection is resumed, and the token renewed, by itself. An event is
// acknowledged when it was received, so one that a handler fails with does not come
// again: [Session.Run] says what to do about that. What cannot be read, or no retry mends, is
// given to the function of [WithDeadLetter]. With a Client behind it, an
// Application loads the members of a conversation that it hears of for the first
// time, before its first event is handled.
//
// # Testing
//
// Package nexmotest is the service, for tests: REST, signed webhooks that are sent
// again, and sessions, with what goes wrong on demand. It needs no account and, in
// memory, no network and no time:
//
//	webhook := &nexmo.WebhookHandler{Verifier: &nexmo.Verifier{Secrets: []string{"secret"}}}
//	server := nexmotest.NewServer(t, nexmotest.WithSignatureSecret("secret"), nexmotest.WithEventHandler(webhook))
//	webhook.Sink = newBot(server.Client()) // the program: a *nexmo.Application
//
//	server.Faults().Webhooks(nexmotest.Duplicate(), 1)
//	server.Call(nexmotest.Call{Digits: "12"})
//	server.ExpectRequest("POST /v1/conversations/*/events") // the bot answers
//
// A handler alone needs none of that: deliver an Event made in Go to it.
//
// # Errors and logs
//
// No error and no log record holds the content of an event, a token or a secret.
// A logger given by [WithLogger] is told what is dropped, missing or failing;
// without one nothing is logged.
//
// Errors are to be told apart with errors.Is and errors.AsType:
//
//	_, err := client.ConversationInfo(ctx, "CON-1")
//	if errors.Is(err, nexmo.ErrNotFound) {
//		return nil // there is no such conversation, or not in this region
//	}
//	if refused, ok := errors.AsType[*nexmo.APIError](err); ok {
//		fmt.Println(refused.Status, refused.Code, refused.Instance)
//	}
//	return err
//
// There are few kinds:
//
//   - What the service refuses is an [*APIError], which matches [ErrNotFound] and
//     its like by its status. What would be refused, as documented, is not sent, and
//     matches [ErrInvalid].
//   - What the service says against a session is a [*SessionError].
//   - Text that is not an event, and a body that a handler cannot be given, is a
//     [*DecodeError]; what a handler panics with is a [*PanicError].
//   - A webhook that is not authentic is refused with an error that matches
//     [ErrWebhookNotAuthentic] and says why, such as [ErrWebhookSignature].
//   - After Close, Deliver returns [ErrClosed].
//
// # Sources and sinks
//
// Everything that takes events is a [Sink] and everything that yields stored
// ones is a [Source]: they are to this package what io.Writer and io.Reader are
// to theirs. A program can put a durable log in front of a Conversation as a
// Sink, and [Replay] from it as a Source:
//
//	webhook.Sink = nexmo.SinkFunc(func(ctx context.Context, e *nexmo.Event) error {
//		return store(ctx, e.ConversationID, e.ID, e.Raw) // nil: it is safe, the webhook is answered
//	})
//	…
//	return nexmo.Replay(ctx, conversation, source, conversation.ID(), conversation.LastEventID())
package nexmo
