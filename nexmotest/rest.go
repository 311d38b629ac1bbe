package nexmotest

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/conversation-events/nexmo"
)

// generation is a generation of the API. Each has its own shapes.
type generation int

const (
	beta  generation = 1 << iota // v0.1
	beta2                        // v0.2
	v03
	v1
	v2 // of sessions alone

	current = v03 | v1
)

// old reports whether the generation is one of the two oldest.
func (g generation) old() bool { return g < v03 }

// generations are the generations by the names that paths have for them.
var generations = map[string]generation{"beta": beta, "v0.1": beta, "beta2": beta2, "v0.2": beta2, "v0.3": v03, "v1": v1, "v2": v2}

// route is a way to call a handler. In the pattern {x} stands for one segment.
type route struct {
	in      generation // in which generations there is such a route
	method  string
	pattern string
	handle  func(*request) (answer, *apiError)
}

// routes are all routes below the name of a generation. A segment that is
// written out comes before one that stands for any.
var routes = slices.Concat(userRoutes, conversationRoutes, memberRoutes, eventRoutes, mediaRoutes, rtcRoutes, knockingRoutes, imageRoutes, discoveryRoutes, sessionRoutes)

// request is a request whose route is known. Handlers are called with the lock
// of the engine held.
type request struct {
	server  *Server
	gen     generation
	version string // the generation as the path names it
	rest    string // the path below it
	vars    map[string]string
	query   url.Values
	header  http.Header
	body    []byte
	who     identity
	user    *user // whose token it is; nil for that of the application
}

// answer is what a handler answers.
type answer struct {
	status      int
	body        any    // nil for none
	content     []byte // in place of body: what is no JSON
	contentType string // application/json if empty
	header      http.Header
}

func ok(body any) (answer, *apiError) { return answer{status: http.StatusOK, body: body}, nil }
func created(body any) (answer, *apiError) {
	return answer{status: http.StatusCreated, body: body}, nil
}

// done answers what has nothing to show: the oldest generations have an empty
// object for it.
func (r *request) done() (answer, *apiError) {
	if r.gen.old() {
		return ok(object{})
	}
	return answer{status: http.StatusNoContent}, nil
}

// path is the path of the request.
func (r *request) path() string { return "/" + r.version + r.rest }

// link returns a link to the same path with another query. It names the host of
// the region and not the one that was asked, as the service does.
func (r *request) link(query string) string { return r.server.options.linkBase + r.path() + query }

// to returns a link to another path of the same generation.
func (r *request) to(segments ...string) string {
	var path strings.Builder
	for _, s := range segments {
		path.WriteString("/" + url.PathEscape(s))
	}
	return r.server.options.linkBase + "/" + r.version + path.String()
}

// self is the _links of a resource at a path.
func (r *request) self(segments ...string) object {
	return object{"self": object{"href": r.to(segments...)}}
}

// fields reads the body of the request.
func (r *request) fields() fields { return newFields(r.body) }

// handle handles a request whose body has been read.
func (s *Server) handle(r *http.Request, body []byte) (a answer, who identity) {
	version, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	req := &request{server: s, version: version, gen: generations[version], query: r.URL.Query(), header: r.Header, body: body}
	rt, err := req.route(r.Method, strings.Split(rest, "/"))
	if err == nil {
		req.who, err = authenticate(s.engine.applicationID, bearer(r.Header))
	}
	switch {
	case err != nil:
	case !req.who.allows(r.Method, r.URL.Path) && !strings.HasPrefix(rt.pattern, "/discovery/"): // which no documented ACL has
		err = errNoPermission
	case len(body) > 0 && !isAccepted(r.Header.Get("Content-Type")):
		err = refuse(http.StatusUnsupportedMediaType, "http:error:unsupported-media-type", "Send JSON.")
	default:
		a, err = req.call(rt)
	}
	if err != nil {
		a = err.answer(generationOf(r))
	}
	return a, req.who
}

// generationOf is the generation of a request, whose errors have its shape.
func generationOf(r *http.Request) generation {
	version, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return cmp.Or(generations[version], v1)
}

// call runs the handler of a route with the engine locked.
func (r *request) call(rt *route) (answer, *apiError) {
	e := r.server.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.who.user != "" {
		if r.user = find(e.users, func(u *user) bool { return u.name == r.who.user }); r.user == nil {
			return answer{}, errInvalidUser
		}
	}
	return rt.handle(r)
}

// isAccepted reports whether a body of a type is read; one that does not say is.
func isAccepted(contentType string) bool {
	return contentType == "" || strings.HasPrefix(contentType, "application/json") || strings.HasPrefix(contentType, "multipart/form-data")
}

// route finds the route of a request and reads the variables of its path.
func (r *request) route(method string, segments []string) (*route, *apiError) {
	known := false
	for i := range routes {
		rt := &routes[i]
		if rt.in&r.gen == 0 {
			continue
		}
		vars, ok := match(rt.pattern, segments)
		if !ok {
			continue
		}
		known = true
		if rt.method == method {
			r.vars, r.rest = vars, "/"+strings.Join(segments, "/")
			return rt, nil
		}
	}
	if known {
		return nil, refuse(http.StatusMethodNotAllowed, "http:error:method-not-allowed", "The method is not allowed here.")
	}
	return nil, refuse(http.StatusNotFound, "http:error:not-found", "There is no such route.")
}

// match reads the variables that a pattern has in the segments of a path.
func match(pattern string, segments []string) (vars map[string]string, ok bool) {
	parts := strings.Split(pattern, "/")[1:]
	if len(parts) != len(segments) {
		return nil, false
	}
	vars = map[string]string{}
	for i, part := range parts {
		segment, err := url.PathUnescape(segments[i])
		if err != nil || segment == "" {
			return nil, false
		}
		if !strings.HasPrefix(part, "{") {
			if part != segment {
				return nil, false
			}
			continue
		}
		vars[strings.Trim(part, "{}")] = segment
	}
	return vars, true
}

// conversation returns the conversation in the path.
func (r *request) conversation() (*conversation, *apiError) {
	return r.server.engine.conversation(r.vars["conversation"])
}

// activeConversation returns the conversation in the path, in which something is
// about to happen.
func (r *request) activeConversation() (*conversation, *apiError) {
	return r.server.engine.activeConversation(r.vars["conversation"])
}

// author says who makes a request: the member or user that it names as from, or
// else the one whose token it has.
func (r *request) author(c *conversation, from string) (author, *apiError) {
	e := r.server.engine
	var a author
	switch {
	case from == "":
		if r.user == nil {
			return author{}, nil
		}
		a.user = r.user
	case strings.HasPrefix(from, "USR-"):
		if a.user = e.user(from); a.user == nil {
			return author{}, errNoUser
		}
	default:
		if a.member = c.member(from); a.member == nil {
			return author{}, refuse(http.StatusBadRequest, "conversation:error:invalid-member", `"from" is no member of the conversation.`)
		}
		a.user = a.member.user
	}
	if r.user != nil && a.user != r.user {
		return author{}, refuse(http.StatusForbidden, "conversation:error:member:permission-denied", `"from" is somebody else.`)
	}
	if m := c.memberOf(a.user); a.member == nil && m != nil && m.state != nexmo.MemberStateLeft {
		a.member = m
	}
	return a, nil
}

// list writes a page in the shape of the generation.
func list[T any](r *request, p page[T], name string, render func(T) object) object {
	items := make([]object, 0, len(p.items))
	for _, item := range p.items {
		items = append(items, render(item))
	}
	o := object{"page_size": p.size, "_embedded": object{name: items}, "_links": p.links}
	if r.gen.old() {
		o["_embedded"] = object{"data": object{name: items}}
		o["cursor"] = p.cursor
	}
	return o
}
