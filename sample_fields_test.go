package nexmo_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/conversation-events/nexmo"
)

// TestSampleFieldsAreReachable: whatever a sample has in its body is in the
// fields of the decoded body, and comes out again.
func TestSampleFieldsAreReachable(t *testing.T) {
	t.Parallel()
	for name, text := range sampleEvents(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := nexmo.ParseEvent(text)
			if err != nil {
				t.Fatal(err)
			}
			if _, raw := e.Body.(*nexmo.RawBody); raw && e.Type.Known() {
				t.Fatalf("the body of %q is raw", e.Type)
			}
			want := jsonValue(t, sentBody(t, text))
			got := jsonValue(t, marshal(t, e.Body))
			lost := lostPaths("body", want, got)
			// A complete sample has to be reachable to the last field, but for "",
			// which no field tells from nothing. What the others may lose says
			// nothing either: null, 0 and {}.
			complete := strings.HasPrefix(name, "events/")
			lost = slices.DeleteFunc(lost, func(l lostPath) bool {
				return l.want == "" || !complete && (l.empty || slices.Contains(reachedElsewhere[name], l.path))
			})
			for _, l := range lost {
				t.Errorf("%s: sent %v, decoded as %v", l.path, l.want, l.got)
			}
		})
	}
}

// reachedElsewhere are fields that come out in another form than they went in;
// the table of envelopes says in which.
var reachedElsewhere = map[string][]string{
	"envelopes/media-audio-object.json": {"body.media.audio", "body.user.media.audio"},
	"envelopes/legs-object.json":        {"body.channel.legs"},
	"envelopes/stream-url-text.json":    {"body.stream_url"},
}

// lostPath is a value that was sent and did not come out again.
type lostPath struct {
	path      string
	want, got any
	empty     bool
}

// lostPaths compares what was sent with what came out. More may come out than
// was sent. A number and its text are equal, and so are two texts of one time.
func lostPaths(path string, want, got any) []lostPath {
	var lost []lostPath
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return []lostPath{{path, want, got, len(w) == 0}}
		}
		for _, name := range slices.Sorted(maps.Keys(w)) {
			v, ok := g[name]
			if !ok {
				lost = append(lost, lostPath{path + "." + name, w[name], "nothing", isEmpty(w[name])})
				continue
			}
			lost = append(lost, lostPaths(path+"."+name, w[name], v)...)
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return []lostPath{{path, want, got, false}}
		}
		for i := range w {
			lost = append(lost, lostPaths(path+"["+strconv.Itoa(i)+"]", w[i], g[i])...)
		}
	default:
		if !sameScalar(want, got) {
			return []lostPath{{path, want, got, isEmpty(want)}}
		}
	}
	return lost
}
