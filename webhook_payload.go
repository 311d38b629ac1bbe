package nexmo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// payload returns the payload of a webhook: the bytes that its hash covers, and
// the JSON of the event, which for a POST is the same.
func (v *Verifier) payload(r *WebhookRequest) (hashed, payload []byte, err error) {
	size := len(r.Body)
	if r.Method == http.MethodGet {
		size = len(r.RawQuery)
	}
	switch {
	case int64(size) > v.maxBody():
		return nil, nil, ErrWebhookTooLarge
	case r.Method == http.MethodGet:
		return queryPayload(r.RawQuery)
	default:
		return r.Body, r.Body, nil
	}
}

func (v *Verifier) maxBody() int64 {
	if v.MaxBody == 0 {
		return defaultMaxBody
	}
	return v.MaxBody
}

// readBody reads a body that has a limit of its own, and is declared to have a length; -1
// if that is not known.
func readBody(body io.Reader, declared, limit int64) ([]byte, error) {
	if declared > limit {
		return nil, ErrWebhookTooLarge
	}
	var b bytes.Buffer
	b.Grow(int(max(0, min(declared, defaultMaxBody))) + bytes.MinRead) // more is allocated when it arrives
	if _, err := b.ReadFrom(body); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, ErrWebhookTooLarge
		}
		return nil, fmt.Errorf("nexmo: webhook: reading the body: %w", err)
	}
	return b.Bytes(), nil
}

// queryPayload writes the query of a GET webhook as a JSON object, in order of
// arrival and without blanks: so the service hashes it. In the event, values of
// members that are objects are written as such.
func queryPayload(query string) (hashed, payload []byte, err error) {
	var h, p bytes.Buffer
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, nerr := url.QueryUnescape(name)
		value, verr := url.QueryUnescape(value)
		if nerr != nil || verr != nil {
			return nil, nil, errQuery
		}
		if h.Len() > 0 {
			h.WriteByte(',')
			p.WriteByte(',')
		}
		key, text := quoteJSON(name), quoteJSON(value)
		fmt.Fprintf(&h, "%s:%s", key, text)
		if strings.HasPrefix(value, "{") && json.Valid([]byte(value)) {
			text = []byte(value)
		}
		fmt.Fprintf(&p, "%s:%s", key, text)
	}
	return fmt.Appendf(nil, "{%s}", h.Bytes()), fmt.Appendf(nil, "{%s}", p.Bytes()), nil
}

// plainQuery writes out what encoding/json escapes and JSON.stringify does not: the service
// may hash either.
var plainQuery = strings.NewReplacer(`\\`, `\\`, `\u2028`, "\u2028", `\u2029`, "\u2029", `\ufffd`, "\ufffd")

func quoteJSON(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string cannot fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
