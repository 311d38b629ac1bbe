package nexmotest

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// page is one page of a list.
type page[T any] struct {
	size  int
	items []T
	links object
	// cursor is the one that led here; "" on a first page.
	cursor string
}

// paginate returns the page of a list that a request asks for. key tells the
// place of an item, which rises and does not change, so that a cursor is good
// while the list grows and shrinks.
func paginate[T any](r *request, items []T, key func(T) uint64) (page[T], *apiError) {
	p := page[T]{size: 10, cursor: r.query.Get("cursor")}
	if s := r.query.Get("page_size"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 100 {
			return p, invalid("page_size", `"page_size" must be between 1 and 100`)
		}
		p.size = n
	}
	order := strings.ToLower(cmp.Or(r.query.Get("order"), "asc"))
	if order != "asc" && order != "desc" {
		return p, invalid("order", `"order" must be one of [asc, desc, ASC, DESC]`)
	}
	from := cursor{order: order}
	if p.cursor != "" {
		var ok bool
		if from, ok = r.server.parseCursor(r.path(), p.cursor); !ok {
			return p, refuse(http.StatusBadRequest, "paginator-builder:error:invalid-cursor", "The cursor is invalid.")
		}
	}
	items = slices.Clone(items)
	sign := 1
	if from.order == "desc" {
		sign = -1
	}
	slices.SortFunc(items, func(a, b T) int { return sign * cmp.Compare(key(a), key(b)) })
	// begin is the place of the first item behind the cursor.
	place := func(include bool) int {
		i, found := slices.BinarySearchFunc(items, from.at, func(a T, at uint64) int { return sign * cmp.Compare(key(a), at) })
		if found && include {
			i++
		}
		return i
	}
	begin := 0
	switch {
	case p.cursor == "":
	case from.back:
		begin = max(place(false)-p.size, 0)
	default:
		begin = place(true)
	}
	end := min(begin+p.size, len(items))
	if p.cursor != "" && from.back {
		end = place(false)
	}
	p.items = items[begin:end]

	link := func(c string) object { return object{"href": r.link(r.listQuery(from.order, p.size, c))} }
	p.links = object{"first": link(""), "self": link(p.cursor)}
	if end < len(items) && end > 0 {
		p.links["next"] = link(r.server.cursor(r.path(), cursor{order: from.order, at: key(items[end-1])}))
	}
	if begin > 0 && begin < len(items) {
		p.links["prev"] = link(r.server.cursor(r.path(), cursor{order: from.order, at: key(items[begin]), back: true}))
	}
	return p, nil
}

// listQuery returns the query of a link to a page of the list that r asks for.
// The cursor comes last: a client is known that does not find it in first place.
func (r *request) listQuery(order string, size int, cursor string) string {
	q := "?order=" + order + "&page_size=" + strconv.Itoa(size)
	filters := url.Values{}
	for name, values := range r.query {
		if name != "order" && name != "page_size" && name != "cursor" {
			filters[name] = values
		}
	}
	if len(filters) > 0 {
		q += "&" + filters.Encode()
	}
	if cursor != "" {
		q += "&cursor=" + url.QueryEscape(cursor)
	}
	return q
}

// cursor is a place in a list: behind an item, or in front of it.
type cursor struct {
	order string
	at    uint64
	back  bool
}

// cursor writes a cursor of the list at a path. It is signed, so that neither a
// made-up one nor that of another list is taken.
func (s *Server) cursor(path string, c cursor) string {
	text := c.order + " " + strconv.FormatUint(c.at, 10) + " " + strconv.FormatBool(c.back)
	return base64.StdEncoding.EncodeToString(append(s.cursorSum(path, text), text...))
}

func (s *Server) parseCursor(path, text string) (c cursor, ok bool) {
	const size = 12
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) < size || !hmac.Equal(raw[:size], s.cursorSum(path, string(raw[size:]))) {
		return c, false
	}
	fields := strings.Fields(string(raw[size:]))
	c.order = fields[0]
	c.at, _ = strconv.ParseUint(fields[1], 10, 64)
	c.back = fields[2] == "true"
	return c, true
}

func (s *Server) cursorSum(path, text string) []byte {
	mac := hmac.New(sha256.New, []byte(s.engine.applicationID))
	_, _ = mac.Write([]byte(path + "\n" + text)) // never fails
	return mac.Sum(nil)[:12]
}
