package line

import (
	"cmp"
	"slices"
)

// spans are the IDs that have not come, as runs, by rising ID. No two of them overlap.
type spans []span

// span is a run of IDs, both ends included, that are all absent or all missed.
type span struct {
	from, to int64
	fate     fate
}

// maxSpans bounds the spans of a conversation, which may take 24 KB. A search takes
// ten steps.
const maxSpans = 1024

// find returns the place of the span that has an ID; of the next one if none has it.
func (s spans) find(id int64) (i int, ok bool) {
	i, _ = slices.BinarySearchFunc(s, id, func(o span, id int64) int { return cmp.Compare(o.to, id) })
	return i, i < len(s) && s[i].from <= id
}

// push adds a span behind all others.
func (s spans) push(o span) spans {
	if n := len(s); n > 0 && s[n-1].to == o.from-1 && s[n-1].fate == o.fate {
		s[n-1].to = o.to
		return s
	}
	return append(s, o)
}

// remove takes an ID out.
func (s spans) remove(id int64) spans {
	i, ok := s.find(id)
	if !ok {
		return s
	}
	o := s[i]
	rest := make(spans, 0, 2)
	if o.from < id {
		rest = append(rest, span{o.from, id - 1, o.fate})
	}
	if id < o.to {
		rest = append(rest, span{id + 1, o.to, o.fate})
	}
	return slices.Replace(s, i, i+1, rest...)
}

// mark says what became of those among the IDs from..to that have not come.
func (s spans) mark(from, to int64, as fate) spans {
	i, _ := s.find(from - 1) // what they touch may become one with them
	end := i
	for end < len(s) && s[end].from <= to+1 {
		end++
	}
	var marked spans
	for _, o := range s[i:end] {
		lo, hi := max(o.from, from), min(o.to, to)
		if lo > hi {
			marked = marked.push(o)
			continue
		}
		if o.from < lo {
			marked = marked.push(span{o.from, lo - 1, o.fate})
		}
		marked = marked.push(span{lo, hi, as})
		if hi < o.to {
			marked = marked.push(span{hi + 1, o.to, o.fate})
		}
	}
	return slices.Replace(s, i, end, marked...)
}
