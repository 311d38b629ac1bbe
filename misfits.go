package nexmo

// Misfit says which value of an event is not what is documented and could not be read.
// It holds nothing of the value.
type Misfit struct {
	Path  string // as in body.channel.legs[1].status
	Want  string // what is documented, such as "text"
	Found string // the kind of value that is there instead, such as "an object"
}

// String returns the misfit as one sentence: "body.text: want text, found an object".
func (m Misfit) String() string { return m.Path + ": want " + m.Want + ", found " + m.Found }

// maxMisfits bounds what Misfits takes for an event that is nothing but misfits.
const maxMisfits = 100

// Misfits lists the values of e that do not fit, in the order of the text, and at most
// 100. The field of each is zero, and Raw has the value. What could be read is not a
// misfit, such as a number in place of its text. Names in a path that are long or hold
// unusual characters, as the keys of a map can, are replaced with a question mark.
//
// It reads Raw again, so that events without misfits cost nothing. An event made in Go
// has none.
func (e *Event) Misfits() []Misfit {
	if e.Raw == "" {
		return nil
	}
	p := parser{collect: maxMisfits}
	p.Raw = e.Raw
	_ = p.read(e.Raw.Bytes()) // it was read before
	p.finish()
	var list []Misfit
	for _, m := range p.s.Collected(p.own.start, p.own.end) {
		list = append(list, Misfit(*m))
	}
	return list
}
