package line

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write what the scripts do into them")

// TestScripts runs the scripts in testdata. A line of a script is a command and, behind
// "→", the steps that must follow from it. testdata/README.md lists the commands.
func TestScripts(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatal("no scripts:", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(text))
			if *update {
				if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, have := strings.Split(string(text), "\n"), strings.Split(got, "\n")
			for i := range want {
				if want[i] != have[i] {
					t.Errorf("%s:%d:\n want %s\n  got %s", name, i+1, want[i], have[i])
				}
			}
		})
	}
}

// arrow stands between a command and the steps that follow from it.
const arrow = "→"

// runScript returns the script with the steps that followed from each command.
func runScript(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	var p *player
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		command, _, _ := strings.Cut(lines.Text(), arrow)
		words := strings.Fields(command)
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
			out.WriteString(lines.Text() + "\n")
			continue
		case words[0] == "line":
			p = newPlayer(t, words[1:])
			out.WriteString(strings.TrimRight(command, " ") + "\n")
			continue
		case p == nil:
			t.Fatalf("%d: a script begins with line", n)
		}
		if err := p.play(words); err != nil {
			t.Fatalf("%d: %s: %v", n, strings.TrimSpace(command), err)
		}
		fmt.Fprintf(&out, "%-24s %s %s\n", strings.TrimRight(command, " "), arrow, strings.Join(p.steps, ", "))
	}
	return out.String()
}

// player does with a line what a conversation does with it, and notes the steps.
type player struct {
	line    Line[string]
	start   time.Time
	now     time.Time
	busy    bool            // the handlers of an event run until "free"
	running int64           // its ID
	failing map[string]bool // events whose handlers fail
	steps   []string        // of the current command
}

func newPlayer(t *testing.T, words []string) *player {
	t.Helper()
	var r Rules
	var first int64
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		var err error
		switch name {
		case "window":
			r.Window, err = strconv.Atoi(value)
		case "wait":
			r.Wait, err = time.ParseDuration(value)
		case "start":
			first, err = strconv.ParseInt(value, 10, 64)
		case "source":
			r.Source = true
		default:
			err = errors.New("line takes window, wait, start and source")
		}
		if err != nil {
			t.Fatalf("line %s: %v", w, err)
		}
	}
	p := &player{line: New[string](&r, first), failing: map[string]bool{}}
	p.start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p.now = p.start
	return p
}

func (p *player) note(format string, args ...any) {
	p.steps = append(p.steps, fmt.Sprintf(format, args...))
}

// play does what a command says.
func (p *player) play(words []string) error {
	p.steps = nil
	if after, ok := strings.CutPrefix(words[0], "+"); ok {
		d, err := time.ParseDuration(after)
		if err != nil {
			return err
		}
		p.now = p.now.Add(d)
		p.follow()
		return nil
	}
	var from, to int64
	if len(words) > 1 {
		first, second, _ := strings.Cut(words[1], "-")
		if first != "" { // "-" and "-a" have no ID
			var err error
			if from, err = strconv.ParseInt(first, 10, 64); err != nil {
				return err
			}
			to, _ = strconv.ParseInt(second, 10, 64)
		}
	}
	switch words[0] {
	case "come": // an event: come 5, come 5 fails, come - for one without ID
		p.come(from, words[1], len(words) > 2)
	case "begin": // as come, but its handlers run until free
		p.busy = true
		p.take(from, words[1])
		p.running = from
	case "free": // the handlers end: free, free fails
		p.busy = false
		p.settle(p.running, len(words) == 1)
		p.follow()
	case "withdraw":
		p.note("%v", p.line.Withdraw(from, words[1]))
		p.follow()
	case "source": // the Source has the event to behind from
		if p.line.Fetching() {
			p.line.Answered()
		}
		p.list(from, to)
		p.line.Resume(p.now)
		p.follow()
	case "slow": // as source, but the handlers of the event run on
		p.line.Answered()
	case "resume":
		p.line.Resume(p.now)
		p.follow()
	case "list": // somebody reads a list that has the event to behind from
		p.list(from, to)
		p.follow()
	case "ended", "broken": // the reading of the Source; broken: by an error
		p.line.Fetched(words[0] == "ended")
		p.follow()
	case "start":
		p.line.Start(from)
		p.follow()
	case "expect":
		p.line.Expect(from)
		p.follow()
	case "created": // it becomes known where the log begins: created, created 5
		p.line.Begin(max(from, 1), p.now)
		p.follow()
	case "aside": // an event that failed is set aside
		p.line.SetAside(from)
	case "close":
		p.line.Close()
		p.follow()
	case "behind": // are IDs missing in front of it?
		p.note("%v", p.line.Behind(from))
	case "missing":
		p.note("%v", p.line.Missing(from))
	case "state":
		if head, ok := p.line.Head(); ok {
			p.note("head %s", head)
		}
		p.note("last %d, wanted %d, held %v, idle %v, full %v, fetching %v",
			p.line.Last(), p.line.Wanted(), p.line.Held(), p.line.Idle(), p.line.Full(), p.line.Fetching())
	default:
		return errors.New("there is no such command")
	}
	return nil
}

// come does what Conversation.Deliver does.
func (p *player) come(id int64, name string, fails bool) {
	if fails {
		p.failing[name] = true
	}
	if v, ok := p.line.Find(id); ok {
		p.note("waits as %s", v)
		return
	}
	switch st := p.line.Standing(id); {
	case st == Duplicate:
		p.note("duplicate")
		return
	case st == Forgotten:
		p.note("forgotten")
		return
	case st != Early && !p.busy:
		p.take(id, name)
		p.settle(id, !p.failing[name])
		delete(p.failing, name)
	default:
		p.line.Add(id, name, p.now)
	}
	p.follow()
}

func (p *player) list(prev, id int64) {
	p.line.Listed(prev, id)
	if p.line.Missing(id) {
		p.come(id, strconv.FormatInt(id, 10), false)
	}
}

func (p *player) take(id int64, name string) {
	again := ""
	if p.line.Take(id) {
		again = " again"
	}
	p.note("run %s%s", name, again)
}

func (p *player) settle(id int64, ok bool) {
	p.line.Settle(id, ok)
}

// before says what waits behind missing IDs, if anything does.
func before(item string) string {
	if item == "" {
		return ""
	}
	return " before " + item
}

// follow does what the line says until it rests. With busy handlers nothing is asked.
func (p *player) follow() {
	for !p.busy {
		switch s := p.line.Next(p.now); s.Do {
		case Run:
			again := ""
			if s.Again {
				again = " again"
			}
			p.note("run %s%s", s.Item, again)
			p.settle(s.ID, !p.failing[s.Item])
			delete(p.failing, s.Item)
		case Gap:
			p.note("gap %d-%d%s", s.From, s.To, before(s.Item))
		case Fetch:
			p.note("fetch %d-%d%s", s.From, s.To, before(s.Item))
		case Stop:
			p.note("stop")
		case Rest:
			if n := len(p.steps); n > 0 && strings.HasPrefix(p.steps[n-1], "rest") {
				p.steps = p.steps[:n-1]
			}
			if s.Until.IsZero() {
				p.note("rest")
			} else {
				p.note("rest until %v", s.Until.Sub(p.start))
			}
			return
		}
	}
}
