package nexmotest

import "net/http"

var sessionRoutes = []route{
	{current, http.MethodGet, "/users/{user}/sessions", listSessions},
	{beta2 | v03, http.MethodPut, "/sessions/{session}", changeToken},
	{v2, http.MethodPost, "/rtc/metrics", takeMetrics},
}

var errNoSession = refuse(http.StatusNotFound, "session:error:not-found", "Session does not exist, or you do not have access.")

func listSessions(r *request) (answer, *apiError) {
	u, err := r.userInPath()
	if err != nil {
		return answer{}, err
	}
	p, err := paginate(r, r.server.realtime.list(u.id), func(s *session) uint64 { return s.seq })
	if err != nil {
		return answer{}, err
	}
	return ok(list(r, p, "sessions", func(s *session) object {
		return object{
			"id":         s.id,
			"_embedded":  object{"user": object{"id": u.id, "name": u.name}, "api_key": apiKey},
			"properties": object{"ttl": int(sessionLife.Seconds())},
			"_links":     r.self("users", u.id, "sessions"),
		}
	}))
}

// changeToken has a session go on with the token of the request.
func changeToken(r *request) (answer, *apiError) {
	if r.user == nil {
		return answer{}, errNoUserToken
	}
	id := r.vars["session"]
	if err := r.server.realtime.changeToken(id, r.user, r.who.expires); err != nil {
		return answer{}, err
	}
	return ok(object{"session_id": id})
}

// takeMetrics takes the measurements of a client, and does nothing with them.
func takeMetrics(*request) (answer, *apiError) { return ok(object{}) }
