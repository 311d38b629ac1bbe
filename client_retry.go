package nexmo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// RetryPolicy says how requests are tried again: those that the service was too
// busy for (429), and those that failed on its side (5xx) or on the way, unless
// they might then be carried out twice. A POST is tried again only after 429, or
// when no connection could be made.
//
// The wait before attempt n+1 is random, up to MinDelay times two to the power of
// n-1. An answer may ask for a longer one with Retry-After. No wait is longer than
// MaxDelay.
type RetryPolicy struct {
	MaxAttempts int           // in all; 4 if zero, 1 for none but the first
	MinDelay    time.Duration // 500 milliseconds if zero
	MaxDelay    time.Duration // 30 seconds if zero, at most 24 hours
}

func (p RetryPolicy) withDefaults() RetryPolicy {
	if p.MaxAttempts <= 0 {
		p.MaxAttempts = 4
	}
	if p.MinDelay <= 0 {
		p.MinDelay = 500 * time.Millisecond
	}
	if p.MaxDelay <= 0 {
		p.MaxDelay = 30 * time.Second
	}
	p.MaxDelay = min(p.MaxDelay, 24*time.Hour)
	return p
}

// delay returns how long to wait after so many attempts.
func (p RetryPolicy) delay(attempts int, asked time.Duration) time.Duration {
	most := p.MaxDelay
	if shift := attempts - 1; shift < 32 && p.MinDelay < p.MaxDelay>>shift {
		most = p.MinDelay << shift
	}
	return min(max(rand.N(most+1), asked), p.MaxDelay) //nolint:gosec // nothing to guess
}

// retryAfter reads Retry-After, which is a number of seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(text, 64); err == nil || errors.Is(err, strconv.ErrRange) { // then it is infinite
		if !(seconds > 0) {
			return 0
		}
		return time.Duration(min(seconds, 1e9) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// discarder is a [TokenSource] that can be told that a token is no good.
type discarder interface {
	discard(token string)
}

// token returns the token for a request.
func (c *Client) token() (string, error) {
	token, err := c.tokens.Token()
	if err != nil {
		return "", err
	}
	token = strings.TrimSpace(token)
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		return "", errors.New("nexmo: what the TokenSource returned is no token")
	}
	return token, nil
}

// attempts makes a request until it succeeds, must not be repeated, or was
// repeated often enough.
func (c *Client) attempts(ctx context.Context, r *request, address string, body []byte) ([]byte, error) {
	policy := c.cfg.retry
	unknown := false   // an attempt may have been carried out
	var expired string // the token that was
	var expiry error
	for n := 1; ; n++ {
		token, err := c.token()
		if err != nil {
			return nil, fmt.Errorf("nexmo: %s: no token: %w", r.op, err)
		}
		if token == expired { // there is no other
			return nil, expiry
		}
		resp, answer, err := c.once(ctx, r.method, address, token, body)
		r.made(resp)
		var again, known bool
		var asked time.Duration
		switch {
		case err != nil:
			if u, ok := errors.AsType[*url.Error](err); ok {
				err = u.Err // without the address, which may name people
			}
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			known = neverLeft(err)
			again = ctx.Err() == nil && (known || r.again) && !errors.Is(err, errAnswerTooLarge)
			err = &attemptsError{op: r.op, attempts: n, err: err}
		case resp.StatusCode >= 200 && resp.StatusCode <= 299:
			return bytes.TrimSpace(answer), nil
		case resp.StatusCode == http.StatusNotFound && r.method == http.MethodDelete && unknown:
			return nil, nil // an earlier attempt did it
		default:
			e := newAPIError(r.op, resp, answer)
			e.Attempts, e.MaybeApplied, asked, err = n, unknown, e.RetryAfter, e
			if e.expired() && expired == "" {
				if d, ok := c.tokens.(discarder); ok {
					d.discard(token)
				}
				expired, expiry = token, e
				c.cfg.log.LogAttrs(ctx, slog.LevelInfo, "nexmo: a token has expired, another one is asked for", slog.String("op", r.op), reasonOf(e))
				n-- // it was not the request that failed
				continue
			}
			known = e.Status < 500
			again = e.Status == http.StatusTooManyRequests || r.again && e.Status >= 500 &&
				e.Status != http.StatusNotImplemented && e.Status != http.StatusHTTPVersionNotSupported
		}
		unknown = unknown || !known
		if !again || n >= policy.MaxAttempts {
			return nil, err
		}
		wait := policy.delay(n, asked)
		c.cfg.log.LogAttrs(ctx, slog.LevelInfo, "nexmo: a request is tried again",
			slog.String("op", r.op), slog.Int("attempt", n+1), slog.Duration("wait", wait), reasonOf(err))
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, errors.Join(&attemptsError{op: r.op, attempts: n, err: ctx.Err()}, err)
		}
	}
}

// reasonOf is why a request failed, for a log: of what the service says neither
// title nor detail, which may name people.
func reasonOf(err error) slog.Attr {
	if e, ok := errors.AsType[*APIError](err); ok {
		return slog.Group("answer", slog.Int("status", e.Status), slog.String("code", string(e.Code)), slog.String("instance", e.Instance))
	}
	return slog.Any("error", err)
}

// neverLeft reports whether a request failed before it was sent.
func neverLeft(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	if ok && (op.Op == "dial" || op.Op == "proxyconnect") {
		return true
	}
	_, dns := errors.AsType[*net.DNSError](err)
	return dns
}

// attemptsError is why a request got no answer.
type attemptsError struct {
	op       string
	attempts int
	err      error
}

func (e *attemptsError) Error() string {
	if e.attempts > 1 {
		return fmt.Sprintf("nexmo: %s: %v (after %d attempts)", e.op, e.err, e.attempts)
	}
	return fmt.Sprintf("nexmo: %s: %v", e.op, e.err)
}

func (e *attemptsError) Unwrap() error { return e.err }
