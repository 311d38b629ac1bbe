package nexmo

import (
	"context"
	"time"
)

// traced makes a request, as attempts does, and traces it.
func (c *Client) traced(ctx context.Context, r *request, address string, body []byte) (answer []byte, err error) {
	tr := tracer{c.cfg.trace, c.cfg.log}
	step := RequestTrace{Operation: r.op, Method: r.method, Route: r.path}
	if e := eventFor(ctx); e != nil {
		step.TraceEvent = traceOf(e)
	}
	began := time.Now()
	ctx = traceBegin(ctx, tr.log, tr.RequestBegin, step)
	defer func() { // also when a TokenSource or a transport panics
		step.Status, step.Attempts, step.Duration = r.status, r.count, time.Since(began)
		traceEnd(ctx, tr.log, tr.RequestEnd, step, err)
	}()
	return c.attempts(ctx, r, address, body)
}
