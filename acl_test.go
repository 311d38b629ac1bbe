package nexmo_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

func TestACLJSON(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		acl  nexmo.ACL
		want string
	}{
		{"zero", nexmo.ACL{}, `{"paths":{}}`},
		{"no paths", nexmo.NewACL(), `{"paths":{}}`},
		{"everything at one path", nexmo.NewACL(nexmo.ACLUsers), `{"paths":{"/*/users/**":{}}}`},
		{"the same path twice", nexmo.NewACL(nexmo.ACLUsers, nexmo.ACLUsers), `{"paths":{"/*/users/**":{}}}`},
		{"methods", nexmo.ACL{Paths: map[string]nexmo.ACLRule{"/v1/users/**": {Methods: []string{"GET", "POST"}}}}, `{"paths":{"/v1/users/**":{"methods":["GET","POST"]}}}`},
		{"filters", nexmo.ACL{Paths: map[string]nexmo.ACLRule{"/x": {Filters: json.RawMessage(`{"from":"1"}`)}}}, `{"paths":{"/x":{"filters":{"from":"1"}}}}`},
		{"the client SDKs", nexmo.ClientACL(), `{"paths":{"/*/applications/**":{},"/*/conversations/**":{},"/*/devices/**":{},"/*/image/**":{},"/*/knocking/**":{},"/*/legs/**":{},"/*/media/**":{},"/*/push/**":{},"/*/rtc/**":{},"/*/sessions/**":{},"/*/users/**":{}}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(test.acl)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if got, err = json.Marshal(struct{ A *nexmo.ACL }{&test.acl}); err != nil || string(got) != `{"A":`+test.want+`}` {
				t.Errorf("behind a pointer: %s, %v", got, err)
			}
		})
	}
}

func TestACLAllows(t *testing.T) {
	t.Parallel()
	rule := func(pattern string, methods ...string) nexmo.ACL {
		return nexmo.ACL{Paths: map[string]nexmo.ACLRule{pattern: {Methods: methods}}}
	}
	users := nexmo.NewACL(nexmo.ACLUsers)
	tests := []struct {
		acl          nexmo.ACL
		method, path string
		want         bool
	}{
		{nexmo.ACL{}, "GET", "/v1/users", false},
		{nexmo.NewACL(), "GET", "/v1/users", false},
		{users, "GET", "/v1/users", true},
		{users, "GET", "/v1/users/", true},
		{users, "GET", "v1/users", true},
		{users, "POST", "/v0.3/users", true},
		{users, "DELETE", "/v1/users/USR-1/conversations", true},
		{users, "GET", "/v1/users?name=priya", true},
		{users, "GET", "/v1/users/USR-1?x=/../y", true},
		{users, "GET", "/v1/conversations", false},
		{users, "GET", "/v1/users2", false},
		{users, "GET", "/v1/Users", false},
		{users, "GET", "/users", false},
		{users, "GET", "/v1/v1/users", false},
		{users, "GET", "//users", false},
		{users, "GET", "/", false},
		{users, "GET", "", false},
		{users, "GET", "/v1", false},
		{users, "GET", "/v1/users/../conversations", false},
		{users, "GET", "/v1/users/./x", false},
		{users, "GET", "/v1/users/..", false},
		{users, "GET", "/../v1/users", false},
		{users, "GET", "/v1/users/%2e%2e/conversations", false},
		{users, "GET", "/v1/users/%2E./conversations", false},
		{users, "GET", "/v1/users/..%2fconversations", false},
		{users, "GET", "/v1/users/x%2F..%2F..%2Fconversations", false},
		{users, "GET", "/v1/users/%5c..%5cconversations", false},
		{users, "GET", "/v1/users/%zz", false},
		{users, "GET", "/v1/users/a%20name", true},
		{users, "GET", "/v1/%75sers", true},
		{users, "GET", "/v1/users/100%", false},
		{users, "GET", "/v1/users/x?y=%2e%2e/", true},
		{rule("/*/users/*"), "GET", "/v1/users/USR-1", true},
		{rule("/*/users/*"), "GET", "/v1/users", false},
		{rule("/*/users/*"), "GET", "/v1/users/USR-1/x", false},
		{rule("/v1/users/**"), "GET", "/v1/users/USR-1", true},
		{rule("/v1/users/**"), "GET", "/v2/users/USR-1", false},
		{rule("/v1/users"), "GET", "/v1/users", true},
		{rule("/v1/users"), "GET", "/v1/users/USR-1", false},
		{rule("/**"), "GET", "/v1/anything/at/all", true},
		{rule("**"), "GET", "/v1/anything/at/all", true},
		{rule(""), "GET", "/v1/users", false},
		{rule("/"), "GET", "/v1/users", false},
		{rule("/**/users"), "GET", "/v1/users", false},
		{rule("/*/conversations/*/events/**"), "POST", "/v1/conversations/CON-1/events", true},
		{rule("/*/conversations/*/events/**"), "POST", "/v1/conversations/CON-1/members", false},
		{rule("/*/conv*/**"), "GET", "/v1/conversations", false},
		{rule("/*/*/users"), "GET", "/v1//users", false},
		{rule("/*/users/**", "GET"), "GET", "/v1/users", true},
		{rule("/*/users/**", "get"), "GET", "/v1/users", true},
		{rule("/*/users/**", "GET"), "POST", "/v1/users", false},
		{rule("/*/users/**", "GET", "POST"), "POST", "/v1/users", true},
		{rule("/*/users/**", "GET"), "", "/v1/users", false},
		{rule("/*/users/**", "GE"), "GET", "/v1/users", false},
		{nexmo.ACL{Paths: map[string]nexmo.ACLRule{"/*/users/**": {Methods: []string{"GET"}}, "/*/users/*": {Methods: []string{"PUT"}}}}, "PUT", "/v1/users/USR-1", true},
		{nexmo.ACL{Paths: map[string]nexmo.ACLRule{"/*/users/**": {Methods: []string{"GET"}}, "/*/users/*": {Methods: []string{"PUT"}}}}, "PUT", "/v1/users/USR-1/x", false},
		{nexmo.ACL{Paths: map[string]nexmo.ACLRule{"/*/users/**": {Filters: json.RawMessage(`{"x":1}`)}}}, "PUT", "/v1/users", true},
	}
	for _, test := range tests {
		if got := test.acl.Allows(test.method, test.path); got != test.want {
			t.Errorf("%v allows %s %q: %t, want %t", test.acl, test.method, test.path, got, test.want)
		}
	}
	for name, path := range map[string]string{
		nexmo.ACLSessions: "/v1/sessions", nexmo.ACLUsers: "/v1/users/USR-1", nexmo.ACLConversations: "/v0.3/conversations/CON-1/members/MEM-1",
		nexmo.ACLImage: "/v1/image", nexmo.ACLMedia: "/v1/media/x/y", nexmo.ACLKnocking: "/v1/knocking", nexmo.ACLLegs: "/v1/legs/LEG-1",
		nexmo.ACLRTC: "/v1/rtc/x", nexmo.ACLPush: "/v1/push/x", nexmo.ACLDevices: "/v1/devices/x", nexmo.ACLApplications: "/v1/applications/x/push_tokens",
	} {
		if !nexmo.ClientACL().Allows("GET", path) || !nexmo.NewACL(name).Allows("PATCH", path) {
			t.Errorf("%s is not allowed", path)
		}
		if nexmo.NewACL(name).Allows("GET", "/v1/something/else") {
			t.Errorf("%s allows something else", name)
		}
	}
}
