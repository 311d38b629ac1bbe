package nexmo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/conversation-events/nexmo/internal/socketio"
)

// Session is the realtime session of a user: the events of all conversations of
// the user arrive over one connection as they happen, those that the user caused
// included. [Dial] begins it and [Session.Run] delivers its events.
//
// An event is acknowledged to the service when it was received, before it is
// delivered: what waits for a slow handler holds up neither acknowledgements nor
// the connection. What was received and not acknowledged comes again, so a sink
// that is no [Conversation] or [Application] has to expect duplicates.
//
// A lost connection is resumed, after a random delay of at most 3.5, 7, 14, 15 and
// 15 seconds before each attempt, and the service then sends what the session
// missed. When five attempts in a row have failed, or the service ends the session,
// it is over; so it is after [Session.Close] and [Session.Logout], one of which
// ends every session.
//
// All methods may be called from several goroutines, and from handlers. [Dial] makes a
// Session; the zero value cannot be used.
type Session struct {
	tokens sessionTokens
	client *Client // of the user
	cfg    sessionConfig
	inbox  inbox

	stop  context.CancelFunc                  // ends what runs
	spawn func(run func(ctx context.Context)) // runs something until then, unless it is over
	wg    sync.WaitGroup

	ready chan struct{} // closed after the first login
	over  chan struct{} // closed when err is set
	err   error         // why it is over; nil after Close and Logout

	mu      sync.Mutex
	closed  bool // Close was called, or the session is over
	id      string
	me      User
	conn    *socketio.Conn // nil while there is none that is logged in
	state   SessionState
	token   hidden      // of the connection
	renewal *time.Timer // when token is to be replaced
	logout  *logout     // under way, or nil
	told    notices

	running  sync.Mutex // held by Run
	recovery recovery
	began    time.Time // when the session began; zero if it is resumed
	receipts receipts
	counters sessionCounters
}

// Dial logs the user in whose tokens these are; [Credentials.User] makes them. It
// returns when the service has let the user in, or has not, or ctx has ended: a
// first connection that fails is not tried again. What the service refuses is a
// [*SessionError].
//
// From then on events are received, and wait for [Session.Run]. The session does
// not end with ctx: it has to be closed, or logged out.
func Dial(ctx context.Context, tokens TokenSource, opts ...SessionOption) (*Session, error) {
	s, err := newSession(tokens, opts)
	if err != nil {
		return nil, err
	}
	living, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.spawn = func(run func(ctx context.Context)) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.closed {
			s.wg.Go(func() {
				defer s.caught(living)
				run(living)
			})
		}
	}
	s.spawn(s.live)
	select {
	case <-s.ready:
		return s, nil
	case <-s.over:
		err = s.err
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	_ = s.Close() // never fails
	return nil, err
}

// caught logs a panic of what the program gave to the session, such as the transport of its
// HTTP client: it must not end the program.
func (s *Session) caught(ctx context.Context) {
	if v := recover(); v != nil {
		s.log(ctx, slog.LevelError, "nexmo: a function given to Dial panicked", slog.Any("error", &PanicError{Value: v, Stack: debug.Stack()}))
	}
}

func newSession(tokens TokenSource, opts []SessionOption) (*Session, error) {
	checkOptions("Dial", opts)
	if _, ok := tokens.(Credentials); ok {
		return nil, errors.New("nexmo: dial: these are the tokens of the application, and a session is that of a user: give Credentials.User")
	}
	cfg := defaultSessionConfig()
	for _, o := range opts {
		o.applySession(&cfg)
	}
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	var began time.Time
	if cfg.resume == "" {
		began = time.Now()
	}
	s := &Session{
		began: began,
		cfg:   cfg,
		id:    cfg.resume,
		inbox: newInbox(cfg.queue),
		ready: make(chan struct{}),
		over:  make(chan struct{}),
	}
	var err error
	if s.client, err = NewClient(tokens, WithBaseURL(cfg.client.baseURL), WithHTTPClient(cfg.client.http), WithLogger(cfg.client.log)); err != nil {
		return nil, err
	}
	s.tokens.source = tokens
	s.client.tokens = &s.tokens
	s.receipts.init()
	return s, nil
}

// ID returns the ID of the session. [WithResume] goes on with it elsewhere.
func (s *Session) ID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

// Me returns the user: the ID and the name.
func (s *Session) Me() User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.me
}

// Format prints the ID of the session and nothing else, whatever the verb: a
// session holds a token.
func (s *Session) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "nexmo.Session(%s)", s.ID()) }

// LogValue logs the ID of the session and nothing else.
func (s *Session) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(s)) }

// Run delivers what the session receives to sink, one event after the other, until
// ctx ends, whose error it returns, or the session is over. Then Run delivers what
// was received before, waits for the functions of OnState, and returns why it is
// over: nil after [Session.Close] and [Session.Logout], a [*SessionError] when the
// service has ended it, [ErrSessionDisconnected] or [ErrReconnect].
//
// Run does not wait behind a gap in the events of a conversation, not even when it
// returns: what is missing may come with the next session. Until then, or until its
// window has passed or it is closed, the Conversation keeps what it holds back. Every
// event was acknowledged when it is delivered, and does not come again. An
// error of sink, or a panic, is logged, and Run goes on. Nothing needs to be lost by that: a
// Conversation with a [Source] handles again in [Conversation.Sync] what failed, and
// a sink in front of it can try again, or store events before they are handled. An
// event on which ctx has ended is delivered again by the next Run.
//
// An event that no retry mends, as its error says with [ErrPermanent], is given to the
// function of [WithDeadLetter] given to [Dial], or logged as an error. So is what was received
// and cannot be read. If that function fails, or one that sink has, the event is delivered again, after a second
// and then twice as long each time up to a minute; the events of its conversation wait
// behind it, and no others. When the session is over and it still fails, Run returns an
// error, and another Run delivers what is left.
//
// If what cannot be read came in front of the first event of a conversation, the events
// that may be missing there since the session began are fetched from the service, and
// delivered first.
//
// Up to 4096 events wait for sink, as [WithSessionQueue] says. When there are more,
// the connection is given up, and resumed when half of them have been delivered: no
// event is dropped.
func (s *Session) Run(ctx context.Context, sink Sink) error {
	if sink == nil {
		return errors.New("nexmo: session: Run: there is no Sink")
	}
	if !s.running.TryLock() {
		return errors.New("nexmo: session: Run is running already")
	}
	defer s.running.Unlock()
	sctx := context.WithValue(ctx, streamKey{}, &stream{done: s.handledLater})
	sctx = context.WithValue(sctx, viaKey{}, ViaSession)
	for {
		r, ok := s.inbox.next(ctx.Done(), s.over)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case !ok:
			s.told.wait(&s.mu, ctx.Done())
			if n := s.inbox.left(); n > 0 {
				return errors.Join(s.err, fmt.Errorf("nexmo: session: %d events are left, as one of each conversation could not be set aside: call Run again", n))
			}
			return s.err
		case r.event != nil && s.fetchLost(sctx, r):
			continue // they come first
		}
		err := s.take(sctx, sink, r)
		switch {
		case err == nil:
			s.inbox.delivered(r)
		case ctx.Err() == nil:
			wait := s.inbox.park(r)
			s.log(ctx, slog.LevelError, "nexmo: an event could not be set aside: it is delivered again, before those behind it", slog.Any("error", err),
				slog.String("conversation_id", r.conversation()), slog.Duration("in", wait))
		}
	}
}

// take delivers an event, or sets it aside. The error says why it is to be delivered again.
func (s *Session) take(ctx context.Context, sink Sink, r *received) (err error) {
	defer func() { // of methods of an error, which cannot say that no retry mends it
		if v := recover(); v != nil {
			s.notHandled(ctx, r.event, &PanicError{Value: v, Stack: debug.Stack()})
			err = nil
		}
	}()
	if d := r.letter; d != nil {
		if err := s.letterBox().put(ctx, *d); err != nil {
			return err
		}
		s.recovery.lose(d.ConversationID, r.lost)
		return nil
	}
	e, err := r.event, r.err
	if err == nil {
		err = s.deliver(ctx, sink, e)
	}
	switch {
	case err == nil:
		s.acceptReceipt(e)
		return nil
	case permanentFor(err, e):
		r.err = nil // if it is delivered again, what failed runs again
		return s.letterBox().settle(ctx, e, err)
	case ctx.Err() != nil:
		return err
	}
	// Of what its handlers delivered, events may be set aside.
	err = s.letterBox().settle(ctx, e, err)
	if notSafe(err) { // a function behind sink has failed, or that of Dial
		r.err = nil
		return err
	}
	if err != nil && r.err == nil { // else it was logged where it failed
		s.notHandled(ctx, e, err)
	}
	return nil
}

// deliver delivers an event, and traces that.
func (s *Session) deliver(ctx context.Context, sink Sink, e *Event) (err error) {
	defer func() {
		s.counters.delivered.Add(1)
		if err != nil {
			s.counters.failed.Add(1)
		}
	}()
	tr := tracer{s.cfg.client.trace, s.cfg.client.log}
	if tr.Trace == nil {
		return deliverTo(ctx, sink, e)
	}
	step, began := ReceiveTrace{TraceEvent: traceOf(e), Via: ViaSession}, time.Now()
	ctx = traceBegin(ctx, tr.log, tr.ReceiveBegin, step)
	traceStep(ctx, tr.log, tr.Parsed, ParsedTrace{step.TraceEvent, ViaSession, len(e.Raw)})
	err = errHandlerExited
	defer func() {
		step.Duration = time.Since(began)
		traceEnd(ctx, tr.log, tr.ReceiveEnd, step, err)
	}()
	err = deliverTo(ctx, sink, e)
	return err
}

func (s *Session) letterBox() letterBox {
	return letterBox{s.cfg.deadLetter, s.cfg.client.log, s.cfg.client.trace, &s.counters.deadLetters}
}

func (s *Session) notHandled(ctx context.Context, e *Event, err error) {
	s.log(ctx, slog.LevelError, "nexmo: an event of the session was not handled", slog.Any("error", err),
		slog.String("conversation_id", e.ConversationID), slog.Int64("event_id", int64(e.ID)), slog.String("event_type", string(e.Type)))
}

// handledLater takes note of the outcome of an event that was handed over, behind a gap.
func (s *Session) handledLater(e *Event, _ bool, err error) {
	if err != nil {
		s.inbox.put(&received{event: e, err: err})
	}
}

// Close ends the connection and the session in this program. To the service the
// session goes on for a while: [WithResume] continues it. Close waits for what the
// session runs, but neither for Run nor for functions of OnState. It may be called
// again, and returns nil.
func (s *Session) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.wg.Wait()
	return nil
}

// end notes why the session is over: [ErrClosed] after Close.
func (s *Session) end(err error) {
	s.mu.Lock()
	l := s.logout
	s.logout, s.closed = nil, true
	s.mu.Unlock()
	if errors.Is(err, errLoggedOut) || l != nil && l.sent && loggedOut(err) {
		err = nil
	}
	if l != nil {
		l.done <- err
	}
	if err != ErrClosed { //nolint:errorlint // no other error wraps it
		s.err = err
	}
	s.tell(SessionStateClosed, s.err) // before Run returns, which waits for what is told
	close(s.over)
	s.stop()
}

func (s *Session) log(ctx context.Context, level slog.Level, msg string, attrs ...slog.Attr) {
	s.cfg.client.log.LogAttrs(ctx, level, msg, append(attrs, slog.String("session_id", s.ID()))...)
}
