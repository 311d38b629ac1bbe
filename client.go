package nexmo

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"runtime/debug"
	"strings"
	"time"
	"unicode"
)

// TokenSource yields tokens that are good for a while yet. [Credentials] are one,
// of the application; [Credentials.User] makes one of a user. Token is called
// before each request, from several goroutines. When the service finds a token
// expired, the request is made once more if Token then returns another one.
type TokenSource interface {
	// Token returns a token that is good now, and for the time of a request.
	Token() (string, error)
}

// TokenFunc is a function as a [TokenSource].
type TokenFunc func() (string, error)

// Token calls f.
func (f TokenFunc) Token() (string, error) { return f() }

// Client makes requests to the Conversation API. It is a [Source]: history is
// read with [Client.EventsAfter]. All methods may be called from several
// goroutines. [NewClient] makes one; the zero value cannot be used.
//
// A request ends when its ctx does. What the service refuses is an [*APIError];
// what would be refused according to the documentation is not sent, and is an
// error that matches [ErrInvalid]. A name or ID that does not exist matches
// [ErrNotFound], also where it exists in another region. Requests are tried again
// as [RetryPolicy] says. An answer of more than 32 MiB is an error.
//
// The paths are those of version 1 of the API, as its description has them, but
// where a method says otherwise.
type Client struct {
	tokens TokenSource
	http   *http.Client
	cfg    clientConfig
}

// clientConfig is what the options of a client say.
type clientConfig struct {
	region    Region
	baseURL   string
	given     bool // baseURL was given, even if empty
	http      *http.Client
	retry     RetryPolicy
	log       *slog.Logger
	trace     *Trace // nil for none
	userAgent string
}

// ClientOption is an option of [NewClient].
type ClientOption interface {
	applyClient(c *clientConfig)
}

type clientOption func(*clientConfig)

func (o clientOption) applyClient(c *clientConfig) { o(c) }

// WithBaseURL sends requests to another server than those of the regions, such as a
// test server or a proxy; see [WithRegion] for those. Tokens are sent there and
// nowhere else.
func WithBaseURL(address string) ConnectionOption {
	return connectionOption(func(c *clientConfig) { c.baseURL, c.given = address, true })
}

// WithHTTPClient makes requests with a copy of h that follows no redirects; h itself
// is not changed. Its Transport sees tokens. A nil h changes nothing. The default
// limits an attempt to 30 seconds.
func WithHTTPClient(h *http.Client) ConnectionOption {
	return connectionOption(func(c *clientConfig) {
		if h != nil {
			c.http = h
		}
	})
}

// WithRetry says how requests are tried again; see [RetryPolicy] for the default.
func WithRetry(p RetryPolicy) ClientOption {
	return clientOption(func(c *clientConfig) { c.retry = p })
}

// WithUserAgent says what the program is called; the name of this package follows.
func WithUserAgent(name string) ClientOption {
	return clientOption(func(c *clientConfig) { c.userAgent = name })
}

// NewClient returns a client that acts as the application, with [Credentials], or
// as a user, with those that [Credentials.User] returns.
func NewClient(tokens TokenSource, opts ...ClientOption) (*Client, error) {
	checkOptions("NewClient", opts)
	if isNil(tokens) {
		return nil, errors.New("nexmo: client: there are no tokens: give Credentials")
	}
	cfg := clientConfig{
		http:  &http.Client{Timeout: 30 * time.Second},
		retry: RetryPolicy{}.withDefaults(),
		log:   discard,
	}
	for _, o := range opts {
		o.applyClient(&cfg)
	}
	if err := cfg.region.check("client"); err != nil {
		return nil, err
	}
	if !cfg.given {
		cfg.baseURL = defaultBaseURL
		if cfg.region != "" {
			cfg.baseURL = cfg.region.baseURL()
		}
	}
	base, err := url.Parse(strings.TrimSpace(cfg.baseURL))
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" ||
		base.RawQuery != "" || base.Fragment != "" || base.User != nil {
		return nil, fmt.Errorf("nexmo: client: the base URL is not like %s", defaultBaseURL)
	}
	cfg.baseURL = strings.TrimRight(base.String(), "/")
	cfg.retry = cfg.retry.withDefaults()
	cfg.userAgent = strings.TrimSpace(cfg.userAgent + " " + ownUserAgent)
	if strings.ContainsFunc(cfg.userAgent, unicode.IsControl) {
		return nil, errors.New("nexmo: client: the user agent has control characters: give a name and a version, as in shop/1.0")
	}
	c := *cfg.http
	c.Transport = noRedirects{c.Transport}
	return &Client{tokens: tokens, http: &c, cfg: cfg}, nil
}

// noRedirects takes the address out of an answer that redirects: a token goes to
// no other place than the configured one, and a redirect is an [*APIError].
type noRedirects struct{ http.RoundTripper }

func (t noRedirects) RoundTrip(r *http.Request) (*http.Response, error) {
	// The default is looked up now: tests replace it.
	resp, err := cmp.Or(t.RoundTripper, http.DefaultTransport).RoundTrip(r)
	if err == nil && resp.StatusCode >= 300 && resp.StatusCode <= 399 {
		resp.Header.Del("Location")
	}
	return resp, err
}

// ownUserAgent names this package and its version, where the build knows it.
var ownUserAgent = func() string {
	const path = "github.com/conversation-events/nexmo"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == path {
				return "nexmo-go/" + m.Version
			}
		}
	}
	return "nexmo-go"
}()

// maxAnswer bounds the body of an answer, in bytes: a page of a hundred events
// of the largest kind is well below.
const maxAnswer = 32 << 20

// request is a request to the service.
type request struct {
	op     string // what it does, for errors and logs, which must not name anybody
	method string
	path   string   // from the version on; an ID in braces stands for the next of ids
	ids    []string // not escaped
	query  url.Values
	body   any // or nil

	// again says whether an outcome that is not known, a broken connection or a
	// fault of the service, permits another attempt.
	again bool

	count  int // of attempts
	status int // of the last answer
}

// made counts an attempt, whose answer was resp, or nil.
func (r *request) made(resp *http.Response) {
	r.count++
	r.status = 0
	if resp != nil {
		r.status = resp.StatusCode
	}
}

func newRequest(method, op, path string, body any, ids ...string) *request {
	return &request{op: op, method: method, path: path, ids: ids, body: body, again: method != http.MethodPost}
}

// escapedPath puts the IDs into the path.
func (r *request) escapedPath() (string, error) {
	var b strings.Builder
	rest, ids := r.path, r.ids
	for len(ids) > 0 {
		before, after, _ := strings.Cut(rest, "{")
		name, after, _ := strings.Cut(after, "}")
		// A path with one of these is that of something else.
		switch ids[0] {
		case "":
			return "", invalid(r.op, name, "it is empty")
		case ".", "..":
			return "", invalid(r.op, name, "it is no ID")
		}
		b.WriteString(before)
		b.WriteString(url.PathEscape(ids[0]))
		rest, ids = after, ids[1:]
	}
	b.WriteString(rest)
	return b.String(), nil
}

// Do makes a request that this package has no method for: a method such as GET,
// and a path with its version and query, such as "/v1/conversations?name=x",
// escaped. The body in, unless nil, is written with encoding/json, and the answer
// read with it into what out points to, unless nil or empty. Errors and retries
// are those of every request.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	path, query, _ := strings.Cut(path, "?")
	values, err := url.ParseQuery(query)
	if err != nil || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "#\\ ") {
		return invalid("request", "path", "it must be escaped and begin with the version, as in /v1/conversations")
	}
	r := newRequest(strings.ToUpper(method), "request", path, in)
	r.query = values
	r.again = r.again && r.method != http.MethodPatch // of what is not known
	answer, err := c.send(ctx, r)
	if err != nil || out == nil || len(answer) == 0 {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return &answerError{r.op, &unfitError{err, reflect.TypeOf(out)}}
	}
	return nil
}

// answerError says that a good answer could not be read. Like err, its text holds
// nothing of the answer.
type answerError struct {
	op  string
	err error
}

func (e *answerError) Error() string {
	return "nexmo: " + e.op + ": the answer could not be read: " + e.err.Error()
}

func (e *answerError) Unwrap() error { return e.err }

// send makes a request, again if need be, and returns the body of the answer.
func (c *Client) send(ctx context.Context, r *request) ([]byte, error) {
	var body []byte
	if r.body != nil {
		var err error
		if body, err = encodeJSON(r.body); err != nil {
			return nil, &invalidError{r.op, "body", fmt.Sprintf("it cannot be written as JSON (%T)", err), err}
		}
	}
	path, err := r.escapedPath()
	if err != nil {
		return nil, err
	}
	address := c.cfg.baseURL + path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	if _, err := http.NewRequestWithContext(ctx, r.method, address, http.NoBody); err != nil {
		return nil, invalid(r.op, "path", "it is not escaped, or the method is none")
	}
	if c.cfg.trace == nil {
		return c.attempts(ctx, r, address, body)
	}
	return c.traced(ctx, r, address, body)
}

// once makes one attempt. The answer is read to its end, so that the connection
// can be used again.
func (c *Client) once(ctx context.Context, method, address, token string, body []byte) (*http.Response, []byte, error) {
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, reader)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.cfg.userAgent)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end, or given up
	length := resp.ContentLength
	if method == http.MethodHead {
		length = 0 // that of what GET would answer
	}
	answer, err := readAnswer(resp.Body, length)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		err = nil // the status says enough
	}
	return resp, answer, err
}

// readAnswer reads the body of an answer to its end, into one piece of memory when
// its length is known, and returns what there was of one that was cut short.
func readAnswer(body io.Reader, length int64) ([]byte, error) {
	if length > 0 && length <= 1<<20 {
		answer := make([]byte, length)
		n, err := io.ReadFull(body, answer)
		return answer[:n], err
	}
	answer, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	if err == nil && len(answer) > maxAnswer {
		return nil, errAnswerTooLarge
	}
	return answer, err
}

var errAnswerTooLarge = fmt.Errorf("the answer is larger than %d MiB", maxAnswer>>20)

// encodeJSON writes v with encoding/json, without changing signs for the sake of
// HTML: custom data goes as it came.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
