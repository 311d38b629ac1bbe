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
	deadLetter func(context.Context, DeadLetter) error
	log        *slog.Logger
}
