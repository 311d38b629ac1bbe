package nexmo_test

import (
	"testing"

	"github.com/conversation-events/nexmo"
)

// What is nil by mistake is refused where it is registered, and the panic says where.
func TestNilIsRefusedAtRegistration(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		register func()
		want     string
	}{
		"NewConversation": {
			func() { nexmo.NewConversation("CON-1", nexmo.WithHistory(1), nil) },
			"nexmo: NewConversation: option 2 is nil",
		},
		"NewApplication": {
			func() { nexmo.NewApplication("", nil, nexmo.WithHistory(1)) },
			"nexmo: NewApplication: option 1 is nil",
		},
		"OnConversation": {
			func() { nexmo.NewApplication("").OnConversation(nil) },
			"nexmo: OnConversation: the function is nil",
		},
		"WithDeadLetter": {
			func() { nexmo.WithDeadLetter(nil) },
			"nexmo: WithDeadLetter: the function is nil",
		},
		"WithGapFunc": {
			func() { nexmo.WithGapFunc(nil) },
			"nexmo: WithGapFunc: the function is nil",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if got := recover(); got != tt.want {
					t.Errorf("the panic is %v, want %s", got, tt.want)
				}
			}()
			tt.register()
		})
	}
}
