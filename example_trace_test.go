package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// steps prints what becomes of the events of the type custom.
type steps struct{ mu sync.Mutex }

func (s *steps) print(t nexmo.TraceEvent, format string, args ...any) {
	if _, ok := nexmo.As[*nexmo.Custom](t.Event); !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Printf("%-14s %d  %s\n", t.EventType, t.EventID, fmt.Sprintf(format, args...))
}

func (s *steps) trace() *nexmo.Trace {
	return &nexmo.Trace{
		Parsed: func(_ context.Context, t nexmo.ParsedTrace) { s.print(t.TraceEvent, "came by %s", t.Via) },
		Held: func(_ context.Context, t nexmo.HeldTrace) {
			s.print(t.TraceEvent, "waits, %d-%d are missing", t.From, t.To)
		},
		Released: func(_ context.Context, t nexmo.ReleasedTrace) { s.print(t.TraceEvent, "its turn has come") },
		HandleBegin: func(ctx context.Context, t nexmo.HandleTrace) context.Context {
			s.print(t.TraceEvent, "is handled: came by %s, again: %t", t.Via, t.Again)
			return ctx
		},
		HandlerEnd: func(_ context.Context, t nexmo.HandlerTrace, err error) {
			s.print(t.TraceEvent, "  handler %s: %v", t.Handler[strings.LastIndexByte(t.Handler, '.')+1:], err)
		},
		RequestEnd: func(_ context.Context, t nexmo.RequestTrace, _ error) {
			s.print(t.TraceEvent, "  request %s: %d", t.Operation, t.Status)
		},
		ReceiveEnd: func(_ context.Context, t nexmo.ReceiveTrace, _ error) {
			s.print(t.TraceEvent, "answered %d", t.Status)
		},
	}
}

// One webhook is lost, and the event of the next one waits for it. It is fetched. Then one of two
// handlers fails, and the service sends the webhook again: only that handler runs again.
func ExampleTrace() {
	trace := new(steps).trace()
	webhook := &nexmo.WebhookHandler{Trace: trace}
	server := nexmotest.NewServer(nil, nexmotest.InMemory(), nexmotest.WithRetries(10*time.Millisecond, time.Second, time.Minute),
		nexmotest.WithEventHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { webhook.ServeHTTP(w, r) })))
	defer server.Close()
	client := server.Client(nexmo.WithTrace(trace))
	app := nexmo.NewApplication(server.ApplicationID(), nexmo.WithClient(client), nexmo.WithTrace(trace))
	webhook.Verifier = &nexmo.Verifier{Secrets: []string{server.SignatureSecret()}}
	webhook.Sink = app

	app.On("custom:*", writeDown)
	nexmo.OnCustom(app, "paid", new(shop{client: client}).thank)

	server.Faults().Webhooks(nexmotest.Drop(), 1, "custom:ordered")
	id := server.CreateConversation("order 7")
	server.Emit(id, &nexmo.Custom{Name: "ordered"})
	server.Emit(id, &nexmo.Custom{Name: "paid"})
	if err := server.Flush(context.Background()); err != nil {
		fmt.Println(err)
	}
	time.Sleep(500 * time.Millisecond) // until the webhook was sent again
	// Output:
	// custom:paid    2  came by webhook
	// custom:paid    2  waits, 1-1 are missing
	// custom:paid    2    request list events: 200
	// custom:ordered 1  is handled: came by fetch, again: false
	// custom:ordered 1    handler writeDown: <nil>
	// custom:paid    2  its turn has come
	// custom:paid    2  is handled: came by webhook, again: false
	// custom:paid    2    handler writeDown: <nil>
	// custom:paid    2    request get conversation: 200
	// custom:paid    2    handler thank: out of order
	// custom:paid    2  answered 503
	// custom:paid    2  came by webhook
	// custom:paid    2  is handled: came by webhook, again: true
	// custom:paid    2    request get conversation: 200
	// custom:paid    2    handler thank: <nil>
	// custom:paid    2  answered 204
}

// writeDown is a handler of all events.
func writeDown(context.Context, *nexmo.Event) error { return nil }

type shop struct {
	client *nexmo.Client
	asked  int
}

// thank fails the first time.
func (s *shop) thank(ctx context.Context, e *nexmo.Event, _ *struct{}) error {
	if _, err := s.client.ConversationInfo(ctx, e.ConversationID); err != nil {
		return err
	}
	if s.asked++; s.asked == 1 {
		return errors.New("out of order")
	}
	return nil
}
