package main

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo/nexmotest"
)

func TestRun(t *testing.T) {
	t.Parallel()
	server := nexmotest.NewServer(t)
	const want = `made the conversation "Tandem repair"
Priya: JOINED
Sam: INVITED
1 member:joined
2 member:invited
3 message: Your tandem is ready.
4 custom:order: {"number":441,"item":"tandem"}
deleted it
`
	for range 2 { // the second time, the users are there
		var out bytes.Buffer
		if err := run(t.Context(), &out, server.Client()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}
