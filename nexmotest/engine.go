package nexmotest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"
)

// object is a JSON object that is being built.
type object = map[string]any

// engine is the state of the service: users, conversations, their members and
// their events. It knows nothing of HTTP, and what happens in it flows one way,
// to its subscribers.
//
// Its methods and those of what it holds are called with mu held; only the
// dispatcher of requests and the exported methods of Server take it. What they
// return is not changed any more, so that it can be written without mu.
type engine struct {
	applicationID string

	mu            sync.Mutex
	seq           uint64 // counts what can be listed, in the order of making
	users         []*user
	conversations []*conversation
	knockers      map[string]*user // who asks to be let in
	images        map[string]image
	subscribers   []subscriber
}

// subscriber is told of every event, stored or not, in the order in which they
// happen. It is told while the engine is locked: it takes note and returns.
type subscriber interface {
	notify(o occurrence)
}

// occurrence is an event as it happened.
type occurrence struct {
	ID             int64 // 0 unless it is stored
	Type           string
	ConversationID string // "" for events of the application
	From, To       string
	Body           json.RawMessage
	Timestamp      time.Time
	FromUser       json.RawMessage // nil if nobody in particular caused it
	FromMember     string

	// subject is the conversation that it is about, also if it belongs to the
	// application: what is about one conversation is posted in order.
	subject  string
	params   json.RawMessage
	callback *callback

	// audience is the IDs of the users who may see it.
	audience []string
}

// subscribe has s told of what happens from now on.
func (e *engine) subscribe(s subscriber) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.subscribers = append(e.subscribers, s)
}

func (e *engine) publish(o occurrence) {
	for _, s := range e.subscribers {
		s.notify(o)
	}
}

// next counts one more thing that can be listed.
func (e *engine) next() uint64 {
	e.seq++
	return e.seq
}

// now is the time of the service, which counts milliseconds.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// stamp writes a time as the service does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// newUUID returns a random UUID (RFC 9562, version 4).
func newUUID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// encode writes JSON as the service does, with no character escaped that need
// not be.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("nexmotest: " + err.Error()) // what is given is made of JSON
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// find returns the element of list that is wanted, or nil.
func find[T any](list []*T, wanted func(*T) bool) *T {
	if i := slices.IndexFunc(list, wanted); i >= 0 {
		return list[i]
	}
	return nil
}
