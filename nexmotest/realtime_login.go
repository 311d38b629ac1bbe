package nexmotest

import (
	"net/http"
	"net/url"
	"slices"
)

// login is what a connection begins with.
type login struct {
	who     identity
	user    *user
	resumed string // the session to resume; "" for a new one
	acks    bool
	refusal string // the event that says why there is no session
	detail  string
}

// login reads who connects, and what for.
func (rt *realtime) login(q url.Values) login {
	l := login{resumed: q.Get("session_id"), acks: q.Get("acknowledge_events") == "true"}
	who, err := authenticate(rt.applicationID, q.Get("token"))
	l.who = who
	switch {
	case rt.scripted(&l):
	case err == errExpiredToken:
		l.refuse(err)
	case err != nil:
		l.refusal, l.detail = errInvalidToken.code, err.detail
	case who.user == "":
		l.refuse(errInvalidUser)
	case !slices.ContainsFunc(realtimeVersions, func(v string) bool { return who.allows(http.MethodPost, "/"+v+"/sessions") }):
		l.refuse(errNoPermission)
	default:
		e := rt.engine
		e.mu.Lock()
		l.user = find(e.users, func(u *user) bool { return u.name == who.user })
		e.mu.Unlock()
		if l.user == nil {
			l.refuse(errInvalidUser)
		}
	}
	return l
}

// realtimeVersions are the versions of sessions that a token may name. Most name
// any.
var realtimeVersions = []string{"v0.2", "v0.3", "v1"}

func (l *login) refuse(err *apiError) { l.refusal, l.detail = err.code, err.detail }

// scripted refuses a login if it is to be.
func (rt *realtime) scripted(l *login) bool {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if len(rt.refusals) == 0 {
		return false
	}
	l.refusal, l.detail = rt.refusals[0], "The login is refused on demand."
	rt.refusals = rt.refusals[1:]
	return true
}

// open finds or makes the session of a login and gives it the connection, with
// the answer to the login first in line.
func (rt *realtime) open(l *login, conn *connection) *session {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.forget()
	s := rt.session(l.resumed)
	switch {
	case l.resumed == "":
		if most := rt.options.maxSessions; most > 0 && rt.connected(l.user.id) >= most {
			l.refusal, l.detail = "session:error:max-open-sessions", "The user has too many sessions."
			return nil
		}
		s = rt.create(l)
	case s == nil || s.userID != l.user.id:
		l.refusal, l.detail = "session:invalid", "The session cannot be resumed."
		return nil
	}
	s.expires = l.who.expires
	s.connect(conn)
	return s
}
