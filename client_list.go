package nexmo

import (
	"context"
	"errors"
	"iter"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Order is the order of a list.
type Order string

// The orders of a list. The service's own is ascending.
const (
	OrderAscending  Order = "asc"  // the oldest first
	OrderDescending Order = "desc" // the newest first
)

// ListOptions are common to all lists. The zero value lists from the start, in
// ascending order, in pages of the size that the service prefers, which is 10.
type ListOptions struct {
	PageSize int    // 1 to 100
	Order    Order  // OrderAscending or OrderDescending
	Cursor   string // Next or Prev of another page, to go on there
}

// query begins the query of a list.
func (o ListOptions) query(op string) (url.Values, error) {
	q := url.Values{}
	if o.PageSize < 0 || o.PageSize > 100 {
		return nil, invalid(op, "PageSize", "it must be 1 to 100")
	}
	if o.PageSize != 0 {
		q.Set("page_size", strconv.Itoa(o.PageSize))
	}
	switch order := Order(strings.ToLower(string(o.Order))); order {
	case "":
	case OrderAscending, OrderDescending:
		q.Set("order", string(order))
	default:
		return nil, invalid(op, "Order", "it must be OrderAscending or OrderDescending")
	}
	if o.Cursor != "" {
		q.Set("cursor", o.Cursor)
	}
	return q, nil
}

// pages yields the items of all pages. Of a page only the cursor of the next one is
// used: its link may name another host, and lack what the caller asked for. An error is
// yielded last.
func pages[T any](ctx context.Context, cursor string, read func(cursor string) (*Page[T], error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		cursor, seen := cursor, cursor
		for n := 1; ; n++ {
			page, err := read(cursor)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, item := range page.Items {
				if ctx.Err() != nil {
					yield(nil, ctx.Err())
					return
				}
				if !yield(item, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			if page.Next == cursor || page.Next == seen {
				yield(nil, errors.New("nexmo: list: pagination loop: the server repeated a cursor"))
				return
			}
			if cursor = page.Next; n&(n-1) == 0 { // one of them will be met again in a circle
				seen = cursor
			}
		}
	}
}

// readPage asks for one page of a list, whose items are called name in it.
func readPage[T any, P interface {
	*T
	decoder
}](ctx context.Context, c *Client, r *request, name string) (*Page[T], error) {
	answer, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	return parseAnswerPage[T, P](c, answer, r.op, name)
}

// parseAnswerPage reads a page of a list from an answer.
func parseAnswerPage[T any, P interface {
	*T
	decoder
}](c *Client, answer []byte, op, name string) (*Page[T], error) {
	page := new(Page[T])
	if len(answer) == 0 {
		return page, nil
	}
	err := c.scan(answer, op, func(s *scanner) {
		items, l := readList(s, name, func() (items []*T) {
			for a, _ := s.Array(); s.More(&a); {
				if s.Null() {
					continue
				}
				item := new(T)
				P(item).decode(s)
				items = append(items, item)
			}
			return items
		})
		*page = Page[T]{items, l.next, l.prev}
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

func valueOf[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}

// The parameters of a query that are not given are not sent.

func setText(q url.Values, name, text string) {
	if text != "" {
		q.Set(name, text)
	}
}

func setSwitch(q url.Values, name string, b Bool) {
	if b.IsSet() {
		q.Set(name, b.String())
	}
}

func setEventID(q url.Values, name string, id EventID) {
	if id > 0 {
		q.Set(name, eventIDText(id))
	}
}

func eventIDText(id EventID) string { return strconv.FormatInt(int64(id), 10) }

func setTime(q url.Values, name string, t time.Time) {
	if !t.IsZero() {
		q.Set(name, t.UTC().Format(timestampLayout))
	}
}
