package nexmo

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// ACL says what a token allows: paths of the API, and what may be done there.
// The zero value allows nothing.
type ACL struct {
	// Paths holds a rule for each pattern. In a pattern "*" stands for one
	// segment of the path, "**" at the end for whatever follows. The first
	// segment is the version of the API.
	Paths map[string]ACLRule `json:"paths"`
}

// ACLRule narrows what may be done at a path. The zero value allows everything.
type ACLRule struct {
	Methods []string        `json:"methods,omitempty"` // such as GET; all if empty
	Filters json.RawMessage `json:"filters,omitempty"` // on parameters, as some APIs document them
}

// The documented paths of the Conversation API and of the client SDKs.
const (
	ACLSessions      = "/*/sessions/**"      // log in
	ACLUsers         = "/*/users/**"         // create and manage users
	ACLConversations = "/*/conversations/**" // conversations, members and events
	ACLImage         = "/*/image/**"         // images
	ACLMedia         = "/*/media/**"         // audio
	ACLKnocking      = "/*/knocking/**"      // start calls
	ACLLegs          = "/*/legs/**"          // legs
	ACLRTC           = "/*/rtc/**"           // WebRTC
	ACLPush          = "/*/push/**"          // receive push notifications
	ACLDevices       = "/*/devices/**"       // send push notifications
	ACLApplications  = "/*/applications/**"  // upload a push certificate
)

// NewACL returns an ACL that allows everything at the given paths.
func NewACL(paths ...string) ACL {
	acl := ACL{Paths: make(map[string]ACLRule, len(paths))}
	for _, p := range paths {
		acl.Paths[p] = ACLRule{}
	}
	return acl
}

// ClientACL returns what the client SDKs need: every documented path.
func ClientACL() ACL {
	return NewACL(ACLSessions, ACLUsers, ACLConversations, ACLImage, ACLMedia, ACLKnocking,
		ACLLegs, ACLRTC, ACLPush, ACLDevices, ACLApplications)
}

// Allows reports whether a request with a method, at a path such as
// "/v1/conversations/CON-1/events", is allowed. Filters are not looked at.
func (a ACL) Allows(method, path string) bool {
	path, _, _ = strings.Cut(path, "?")
	segments := strings.Split(strings.Trim(path, "/"), "/")
	for i, s := range segments {
		plain, err := url.PathUnescape(s)
		if err != nil || plain == "." || plain == ".." || strings.ContainsAny(plain, `/\`) {
			return false // it may not be where it looks
		}
		segments[i] = plain
	}
	for pattern, rule := range a.Paths {
		if !matchPath(strings.Split(strings.Trim(pattern, "/"), "/"), segments) {
			continue
		}
		if len(rule.Methods) == 0 || slices.ContainsFunc(rule.Methods, func(m string) bool { return strings.EqualFold(m, method) }) {
			return true
		}
	}
	return false
}

func matchPath(pattern, segments []string) bool {
	for i, p := range pattern {
		if p == "**" && i == len(pattern)-1 {
			return true
		}
		if i >= len(segments) || p != "*" && p != segments[i] || segments[i] == "" {
			return false
		}
	}
	return len(pattern) == len(segments)
}

// MarshalJSON writes an object of paths, also when there are none.
func (a ACL) MarshalJSON() ([]byte, error) {
	type plain ACL
	if a.Paths == nil {
		a.Paths = map[string]ACLRule{}
	}
	return json.Marshal(plain(a))
}
