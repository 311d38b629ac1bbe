package nexmo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The model reads an event as the decoders are to read it, from what encoding/json
// makes of the text, by reflection. It shares no code with them.

// modelReader reads values and notes what does not fit.
type modelReader struct{ misfits []string }

func (r *modelReader) misfit(path string) { r.misfits = append(r.misfits, path) }

// decodeAny is a JSON text as encoding/json reads it into an any, numbers as they are spelt;
// nil is what is not JSON.
func decodeAny(text []byte) (v any) {
	if !json.Valid(text) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	_ = d.Decode(&v) // it is valid
	return v
}

var (
	numberText = regexp.MustCompile(`^-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
	plainName  = regexp.MustCompile(`^[A-Za-z0-9_:.-]{1,64}$`)
)

// number is the text of a number, or of what holds one; "" is absent.
func (r *modelReader) number(path string, x any) string {
	switch x := x.(type) {
	case nil:
	case json.Number:
		return x.String()
	case string:
		if x == "" || numberText.MatchString(x) {
			return x
		}
		r.misfit(path)
	default:
		r.misfit(path)
	}
	return ""
}

func (r *modelReader) float(path string, x any) (float64, bool) {
	text := r.number(path, x)
	if text == "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		r.misfit(path)
		return 0, false
	}
	return f, true
}

func (r *modelReader) whole(path string, x any, least, most int64) int64 {
	text := r.number(path, x)
	if text == "" {
		return 0
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	if strings.Trim(mantissa, "-.0") == "" {
		return 0
	}
	n, err := strconv.Atoi(exponent)
	if exponent == "" || err == nil && n < 5000 && n > -5000 { // a big.Rat of a large one takes forever
		v, ok := new(big.Rat).SetString(text)
		if ok && v.IsInt() && v.Num().IsInt64() && v.Num().Int64() >= least && v.Num().Int64() <= most {
			return v.Num().Int64()
		}
	}
	r.misfit(path)
	return 0
}

func (r *modelReader) text(path string, x any) string {
	switch x := x.(type) {
	case nil:
	case string:
		return x
	case json.Number:
		return x.String()
	default:
		r.misfit(path)
	}
	return ""
}

func (r *modelReader) time(path string, x any) time.Time {
	switch x := x.(type) {
	case nil:
		return time.Time{}
	case string:
		if x == "" {
			return time.Time{}
		}
		if t, ok := modelTime(x); ok {
			return t
		}
	case json.Number:
		if t, ok := modelEpoch(x.String()); ok {
			return t
		}
	}
	r.misfit(path)
	return time.Time{}
}

func modelTime(text string) (time.Time, bool) {
	if t, ok := modelEpoch(text); ok {
		return t, true
	}
	var t time.Time
	if err := t.UnmarshalText([]byte(text)); err == nil {
		return t.UTC(), t.UTC().Year() >= 0 && t.UTC().Year() < 1e4
	}
	if len(text) > 10 && text[10] == ' ' {
		text = text[:10] + "T" + text[11:]
	}
	for _, zone := range []string{"Z07:00", "", "Z0700", " Z0700", " UTC"} {
		if t, err := time.Parse("2006-01-02T15:04:05"+zone, text); err == nil {
			return t.UTC(), t.UTC().Year() >= 0 && t.UTC().Year() < 1e4
		}
	}
	return time.Time{}, false
}

func modelEpoch(text string) (time.Time, bool) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !numberText.MatchString(text) {
		return time.Time{}, false
	}
	if f >= 1e12 && f < 1e13 {
		f /= 1000
	} else if f < 1e9 || f >= 1e10 {
		return time.Time{}, false
	}
	return time.UnixMicro(int64(math.Round(f * 1e6))).UTC(), true
}

func (r *modelReader) bool(path string, x any) Bool {
	switch x := x.(type) {
	case bool:
		return BoolOf(x)
	case nil:
		return Unset
	case string, json.Number:
		text := fmt.Sprint(x)
		f, err := strconv.ParseFloat(text, 64)
		switch {
		case text == "true", err == nil && f == 1:
			return True
		case text == "false", err == nil && f == 0:
			return False
		case text == "":
			return Unset
		}
	}
	r.misfit(path)
	return Unset
}

func (r *modelReader) duration(path string, x any, unit time.Duration) time.Duration {
	f, ok := r.float(path, x)
	if !ok {
		return 0
	}
	if v := math.Round(f * float64(unit)); math.Abs(v) < 1<<62 {
		return time.Duration(v)
	}
	r.misfit(path)
	return 0
}

func (r *modelReader) object(path string, x any) map[string]any {
	m, ok := x.(map[string]any)
	if !ok && x != nil {
		r.misfit(path)
	}
	return m
}

func pathOf(path, name string) string {
	if !plainName.MatchString(name) {
		name = "?"
	}
	return strings.TrimPrefix(path+"."+name, ".")
}

// read reads x into v.
func (r *modelReader) read(path string, v reflect.Value, x any) {
	if r.special(path, v, x) {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(r.text(path, x))
	case reflect.Int, reflect.Int64:
		most := int64(math.MaxInt64)
		if v.Kind() == reflect.Int {
			most = math.MaxInt
		}
		n := r.whole(path, x, -most-1, most)
		v.SetInt(n)
	case reflect.Float64:
		f, _ := r.float(path, x)
		v.SetFloat(f)
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		switch v.Type().Elem().Kind() {
		case reflect.Struct:
			if _, ok := x.(map[string]any); ok {
				v.Set(p)
			}
			r.read(path, p.Elem(), x)
		default:
			before := len(r.misfits)
			r.read(path, p.Elem(), x)
			if len(r.misfits) == before && x != nil && x != "" {
				v.Set(p)
			}
		}
	case reflect.Slice:
		list, ok := x.([]any)
		if !ok {
			if x != nil {
				r.misfit(path)
			}
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
		for i, x := range list {
			r.read(fmt.Sprintf("%s[%d]", path, i), v.Index(i), x)
		}
	case reflect.Struct:
		r.fields(path, v, r.object(path, x))
	default:
		panic("the model has no rule for a " + v.Type().String())
	}
}

// fields reads the members of an object into the fields of a struct.
func (r *modelReader) fields(path string, v reflect.Value, m map[string]any) {
	for f, field := range v.Fields() {
		if f.Anonymous {
			r.fields(path, field, m)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if x, ok := m[name]; ok && name != "" && name != "-" {
			r.read(pathOf(path, name), field, x)
		}
	}
	if n, ok := reflect.TypeAssert[interface{ normalize() }](v.Addr()); ok && m != nil {
		n.normalize()
	}
}

// special reads the types that are not read by their kind.
func (r *modelReader) special(path string, at reflect.Value, x any) bool {
	switch v := at.Addr().Interface().(type) {
	case *time.Time:
		*v = r.time(path, x)
	case *EventID:
		n := r.whole(path, x, 0, math.MaxInt64)
		*v = EventID(n)
	case *Bool:
		*v = r.bool(path, x)
	case *Milliseconds:
		*v = Milliseconds(r.duration(path, x, time.Millisecond))
	case *Seconds:
		*v = Seconds(r.duration(path, x, time.Second))
	case *SecondsText:
		*v = SecondsText(r.duration(path, x, time.Second))
	case *MemberState:
		*v = MemberState(strings.ToUpper(r.text(path, x)))
	case *SIPCode:
		if text, ok := x.(string); ok {
			n, _ := strconv.Atoi(text)
			if strconv.Itoa(n) == text || strings.TrimLeft(text, "+-0") != "" && numberOf(text, n) {
				*v = SIPCode(n)
			}
			return true
		}
		n := r.whole(path, x, math.MinInt, math.MaxInt)
		*v = SIPCode(n)
	case *Raw:
		if *v = ""; x != nil {
			*v = Raw(quote(x))
		}
	case *Ephemeral:
		if x != nil {
			v.JSON = Raw(quote(x))
		}
	case *StringList:
		switch x.(type) {
		case string, json.Number:
			*v = StringList{fmt.Sprint(x)}
			return true
		}
		return false
	case *Legs:
		if m, ok := x.(map[string]any); ok {
			var leg Leg
			if r.fields(path, reflect.ValueOf(&leg).Elem(), m); leg != (Leg{}) {
				*v = Legs{leg}
			}
			return true
		}
		return false
	case *Representations:
		return x == ""
	case *BodyTimestamp:
		if m, ok := x.(map[string]any); ok {
			v.Deleted = r.time(pathOf(path, "deleted"), m["deleted"])
		} else {
			v.Sent = r.time(path, x)
		}
	case *Headers:
		for name, x := range r.object(path, x) {
			if *v == nil {
				*v = Headers{}
			}
			switch x := x.(type) {
			case nil:
				(*v)[name] = ""
			case string:
				(*v)[name] = x
			default:
				(*v)[name] = quote(x)
			}
		}
	case *ReceiptTimes:
		m := r.object(path, x)
		if m != nil {
			*v = ReceiptTimes{}
		}
		for _, name := range slices.Sorted(maps.Keys(m)) {
			(*v)[name] = r.time(pathOf(path, name), m[name])
		}
	case *Media:
		m := r.object(path, x)
		var old AudioSettings
		if settings, ok := m["audio"].(map[string]any); ok {
			r.fields(path+".audio", reflect.ValueOf(&old).Elem(), settings)
			v.Audio = old.Enabled
		} else {
			v.Audio = r.bool(path+".audio", m["audio"])
		}
		r.read(path+".audio_settings", reflect.ValueOf(&v.AudioSettings).Elem(), m["audio_settings"])
		if v.AudioSettings == (AudioSettings{}) {
			v.AudioSettings = old
		}
	default:
		return false
	}
	return true
}

// numberOf reports whether strconv.Atoi took all of a text for n.
func numberOf(text string, n int) bool {
	v, err := strconv.Atoi(text)
	return err == nil && v == n
}
