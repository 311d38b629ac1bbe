package nexmo

import (
	"context"
	"log/slog"
)

// ReplayOption is an option of [Replay] and [Feed].
type ReplayOption interface {
	applyReplay(c *replayConfig)
}

// replayConfig is what the options of a replay say.
type replayConfig struct {
	deadLetter func(context.Context, DeadLetter) error // nil: what no retry mends is logged
	log        *slog.Logger
	trace      *Trace // nil for none
}

func replayConfigOf(caller string, opts []ReplayOption) *replayConfig {
	checkOptions(caller, opts)
	c := &replayConfig{log: guard(slog.Default())}
	for _, o := range opts {
		o.applyReplay(c)
	}
	return c
}
