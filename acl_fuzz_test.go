package nexmo

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// FuzzACL holds Allows to regular expressions, and has every ACL survive JSON.
func FuzzACL(f *testing.F) {
	for _, seed := range [][3]string{
		{"/*/users/**", "GET", "/v1/users/USR-1"}, {"/*/users/**", "GET", "/v1/users"}, {"/**", "", "/"}, {"/*/conversations/*", "POST", "/v1/conversations/CON-1?x=/"},
		{"/v1/users", "get", "v1/users/"}, {"/*/users/**", "GET", "/v1/users/../conversations"}, {"/*/users/**", "GET", "/v1/users/%2e%2E"}, {"/*/users/**", "GET", "/v1/users/a%2Fb"},
		{"/*/a**/b", "GET", "/v1/a/b"}, {"/**/users", "GET", "/v1/users"}, {"", "GET", ""}, {"*", "GET", "//"}, {"/*/é.(/*", "GET", "/v1/%C3%A9.(/x"},
	} {
		f.Add(seed[0], seed[1], seed[2], "POST")
	}
	f.Fuzz(func(t *testing.T, pattern, method, path, allowed string) {
		if plain, err := url.PathUnescape(path); !jsonText(pattern, path) || err == nil && !jsonText(plain) {
			return // a regular expression is text
		}
		matches := modelACL(pattern, path)
		acl := ACL{Paths: map[string]ACLRule{pattern: {Methods: []string{"GET", allowed}}}}
		if want := matches && (strings.EqualFold(method, "GET") || strings.EqualFold(method, allowed)); acl.Allows(method, path) != want {
			t.Errorf("%q allows %s %q: %v", pattern, method, path, !want)
		}
		if NewACL(pattern).Allows(method, path) != matches || (ACL{}).Allows(method, path) {
			t.Errorf("%q without methods allows %s %q: %v; or nothing does", pattern, method, path, !matches)
		}
		text, err := json.Marshal(acl)
		var again ACL
		if err == nil {
			err = json.Unmarshal(text, &again)
		}
		if diff := gocmp.Diff(acl, again); err != nil || jsonText(pattern, allowed) && diff != "" {
			t.Errorf("%v: %s", err, diff)
		}
	})
}

func modelACL(pattern, path string) bool {
	path, _, _ = strings.Cut(path, "?")
	var plain []string
	for segment := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		text, err := url.PathUnescape(segment)
		if err != nil || text == "." || text == ".." || strings.ContainsAny(text, `/\`) {
			return false
		}
		plain = append(plain, text)
	}
	var expr strings.Builder
	expr.WriteString(`(?s)^`)
	parts := strings.Split(strings.Trim(pattern, "/"), "/")
	for i, p := range parts {
		switch {
		case p == "**" && i == len(parts)-1:
			expr.WriteString(`(/.*)?`)
		case p == "*":
			expr.WriteString(`/[^/]+`)
		case p == "":
			return false // a segment that is empty is none
		default:
			expr.WriteString("/" + regexp.QuoteMeta(p))
		}
	}
	re, err := regexp.Compile(expr.String() + `$`)
	return err == nil && re.MatchString("/"+strings.Join(plain, "/"))
}
