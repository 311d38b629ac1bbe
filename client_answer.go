package nexmo

import (
	"bytes"
	"context"
	"encoding/json"
)

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

// scan reads an answer. A text that strict JSON cannot hold, such as a name that was
// cut in the middle of a sign, is no reason to refuse the rest: it is read as
// encoding/json does. A field of another shape than documented is logged: it stays
// empty, and Raw has it.
func (c *Client) scan(answer []byte, op string, decode func(*scanner)) error {
	var s scanner
	read := func(text []byte) error {
		s.Reset(string(text), text)
		decode(&s)
		s.End()
		return s.Err()
	}
	err := read(answer)
	if err != nil {
		d := json.NewDecoder(bytes.NewReader(answer))
		d.UseNumber() // as they are spelt
		var v any
		if json.Valid(answer) && d.Decode(&v) == nil {
			if repaired, rerr := encodeJSON(v); rerr == nil {
				err = read(repaired)
			}
		}
	}
	if err != nil {
		return &answerError{op, err}
	}
	if err := s.ShapeFrom(0, "answer"); err != nil {
		c.cfg.log.Warn("nexmo: an answer is not as documented", "op", op, "error", err)
	}
	return nil
}
