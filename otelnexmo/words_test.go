package otelnexmo

import (
	"strconv"
	"testing"

	"github.com/conversation-events/nexmo"
)

func TestTypesInMetricsAreFew(t *testing.T) {
	t.Parallel()
	for typ, want := range map[nexmo.EventType]string{
		"text": "text", "member:joined": "member:joined", "member:*": "member:*", "*": "*",
		"custom:order": "custom:*", "custom:": "custom:*", "custom:*": "custom:*",
		"": "other", "text ": "other", "tomorrow:happened": "other", "tomorrow:*": "other",
	} {
		if got := typeWord(typ); got != want {
			t.Errorf("%q: %q, want %q", typ, got, want)
		}
	}
	for _, typ := range nexmo.EventTypes() {
		if typeWord(typ) != string(typ) {
			t.Errorf("%s is not listed", typ)
		}
	}
	if got := viaWord("pigeon"); got != "other" {
		t.Errorf("a via that is not listed: %q", got)
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	var c cache[string, int]
	made := 0
	for range 2 {
		for n := range 2 * maxCached {
			if got := c.get(strconv.Itoa(n), func(string) int { made++; return n }); got != n {
				t.Fatalf("%d: %d", n, got)
			}
		}
	}
	if len(c.all) != maxCached || made != 3*maxCached {
		t.Errorf("%d are kept and %d were made, want %d and %d", len(c.all), made, maxCached, 3*maxCached)
	}
}
