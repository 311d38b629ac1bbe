package nexmo

import "context"

// one makes a request whose answer is a T, or nothing.
func one[T any, P interface {
	*T
	decoder
}](ctx context.Context, c *Client, r *request) (*T, error) {
	answer, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	v := new(T)
	if len(answer) == 0 {
		return v, nil
	}
	if err := c.scan(answer, r.op, P(v).decode); err != nil {
		return nil, err
	}
	return v, nil
}

// scan reads an answer, as leniently as [ParseEvent] reads events. A field that does not
// fit is logged: it stays empty, and Raw has it.
func (c *Client) scan(answer []byte, op string, decode func(*scanner)) error {
	answer = withoutMark(answer)
	var s scanner
	s.Reset(string(answer), answer)
	decode(&s)
	s.End()
	if err := s.Err(); err != nil {
		return &answerError{op, err}
	}
	if err := s.ShapeFrom(0, "answer"); err != nil {
		c.cfg.log.Warn("nexmo: an answer is not as documented", "op", op, "error", err)
	}
	return nil
}
