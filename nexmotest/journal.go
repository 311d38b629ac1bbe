package nexmotest

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/conversation-events/nexmo"
)

// Request is a request that a server got.
type Request struct {
	Method string      // such as POST
	Path   string      // as it was sent, escaped
	Query  url.Values  // empty if there is none
	Header http.Header // of the request
	Body   []byte      // as it was sent
	User   string      // the name of the user whose token it had; "" for the application
	Status int         // of the answer; 0 if the connection was cut
	At     time.Time   // when it came
}

// Webhook is one attempt to post an event.
type Webhook struct {
	Method string      // POST, or GET
	URL    string      // where it was posted
	Header http.Header // of the request; it has the token
	Body   []byte      // the event as it was posted; a GET carries it as its query

	Type           nexmo.EventType // of the event
	ConversationID string          // "" for an event of the application
	EventID        nexmo.EventID   // 0 for an event that is not stored

	Attempt int       // 1 for the first
	Status  int       // of the answer; 0 if there was none
	Err     error     // why there was no answer, or nil
	At      time.Time // when it was posted
}

// Accepted reports whether the answer takes the event as delivered.
func (w Webhook) Accepted() bool { return w.Status >= 200 && w.Status <= 205 }

// String says which event it was, and what became of it.
func (w Webhook) String() string {
	what := string(w.Type)
	if w.ConversationID != "" {
		what += " " + w.ConversationID
	}
	if w.EventID != 0 {
		what += fmt.Sprint(" ", w.EventID)
	}
	if w.Err != nil {
		return fmt.Sprintf("%s, attempt %d: %v", what, w.Attempt, w.Err)
	}
	return fmt.Sprintf("%s, attempt %d: %d", what, w.Attempt, w.Status)
}

// String says what was asked, and the status of the answer.
func (r Request) String() string { return fmt.Sprintf("%s %s: %d", r.Method, r.Path, r.Status) }

// journal keeps what happened, logs it, and lets tests wait for it.
type journal struct {
	logger *slog.Logger
	most   int // how many entries of each kind are kept; of more, the older half goes

	mu       sync.Mutex
	requests entries[Request]
	webhooks entries[Webhook]
	logins   entries[Login]
	acks     entries[Ack]
	changed  chan struct{} // closed when something is added
}

// entries are a list of what happened, and which of it was expected.
type entries[T any] struct {
	all      []T
	expected []bool
}

func newJournal(o *options) *journal {
	return &journal{logger: o.log, most: o.records, changed: make(chan struct{})}
}

func (j *journal) request(v Request) {
	add(j, &j.requests, v)
	j.logger.Info("nexmotest: request", "method", v.Method, "path", v.Path, "user", v.User, "status", v.Status)
}

func (j *journal) webhook(v Webhook) {
	add(j, &j.webhooks, v)
	attributes := []any{
		"event_type", v.Type, "conversation_id", v.ConversationID, "event_id", v.EventID,
		"url", bareURL(v.URL), "attempt", v.Attempt, "status", v.Status,
	}
	if v.Err != nil {
		attributes = append(attributes, "error", v.Err)
	}
	j.logger.Info("nexmotest: webhook", attributes...)
}

// bareURL is an address without what may be a secret in it: a password, or a key in
// its query.
func bareURL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "" // the error of the attempt says so
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

func add[T any](j *journal, list *entries[T], v T) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(list.all) == j.most {
		list.all = slices.Delete(list.all, 0, (j.most+1)/2)
		list.expected = slices.Delete(list.expected, 0, (j.most+1)/2)
	}
	list.all = append(list.all, v)
	list.expected = append(list.expected, false)
	close(j.changed)
	j.changed = make(chan struct{})
}

// expect waits for an entry that is wanted and was not expected before. What is
// wanted is named by what, and what there was by the two other words.
func expect[T fmt.Stringer](s *Server, list *entries[T], what, wantedWord, gotWord string, wanted func(T) bool) (found T) {
	if s.tb != nil {
		s.tb.Helper()
	}
	timer := time.NewTimer(s.options.patience)
	defer timer.Stop()
	for over := false; ; {
		found, ok, kept, changed := take(s.journal, list, wanted)
		if ok {
			return found
		}
		if over {
			s.fail("nexmotest: %s: none %s within %v; %s", what, wantedWord, s.options.patience, summary(kept, gotWord))
			return found
		}
		select {
		case <-changed:
		case <-timer.C:
			over = true // one last look
		}
	}
}

// take returns the first entry that is wanted and was not expected before. If
// there is none it returns all there are, and what is closed when there is more.
func take[T any](j *journal, list *entries[T], wanted func(T) bool) (found T, ok bool, kept []T, changed <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, v := range list.all {
		if !list.expected[i] && wanted(v) {
			list.expected[i] = true
			return v, true, nil, nil
		}
	}
	return found, false, slices.Clone(list.all), j.changed
}

// summary tells of the last entries.
func summary[T fmt.Stringer](kept []T, word string) string {
	const most = 20
	if len(kept) == 0 {
		return "none " + strings.Replace(word, "were", "was", 1)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s:", len(kept), word)
	if skipped := len(kept) - most; skipped > 0 {
		fmt.Fprintf(&b, "\n\t… %d earlier ones", skipped)
		kept = kept[skipped:]
	}
	for _, v := range kept {
		b.WriteString("\n\t" + v.String())
	}
	return b.String()
}

// Requests returns the requests to the REST API so far, in the order of their
// answers; of many, the last. See [WithRecords].
func (s *Server) Requests() []Request {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return slices.Clone(s.journal.requests.all)
}

// Webhooks returns the attempts to post events so far, in the order in which
// they were answered; of many, the last. See [WithRecords].
func (s *Server) Webhooks() []Webhook {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return slices.Clone(s.journal.webhooks.all)
}

// ExpectRequest waits for a request to a route, such as
// "POST /v1/conversations/*/events", that was not expected before, and returns
// it. The test fails if there is none in time; see [WithPatience].
func (s *Server) ExpectRequest(route string) Request {
	if s.tb != nil {
		s.tb.Helper()
	}
	return expect(s, &s.journal.requests, "ExpectRequest("+route+")", "came", "came", func(r Request) bool { return r.is(route) })
}

// ExpectWebhook waits for an event of a type, or one that the pattern t matches,
// to be posted and accepted, that was not expected before, and returns it. The
// test fails if there is none in time; see [WithPatience].
func (s *Server) ExpectWebhook(t nexmo.EventType) Webhook {
	if s.tb != nil {
		s.tb.Helper()
	}
	return expect(s, &s.journal.webhooks, "ExpectWebhook("+string(t)+")", "was accepted", "were sent", func(w Webhook) bool { return w.Accepted() && t.Matches(w.Type) })
}
