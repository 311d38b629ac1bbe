package nexmo_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/conversation-events/nexmo"
)

// TestSecretsAreNotPrinted: JSON holds the password of an endpoint; nothing that is printed
// does.
func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	e := parseText(t, `{"type":"sip:ringing","body":{"channel":{"to":{"type":"sip","username":"desk","password":"hunter2"}}}}`)
	b, _ := nexmo.As[*nexmo.SIPRinging](e)
	end := *b.Channel.To
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{end, &end, end.Password, []nexmo.Endpoint{end}, map[string]any{"a": end}, errors.New(fmt.Sprint(end))} {
			if text := fmt.Sprintf(format, v); strings.Contains(text, "hunter2") || strings.Contains(text, fmt.Sprintf("%x", "hunter2")) {
				t.Errorf("%s of a %T: %s", format, v, text)
			}
		}
	}
	if got := end.Password.LogValue().String() + end.Password.String() + nexmo.Secret("").String(); got != "[secret][secret]" {
		t.Errorf("it is shown as %s", got)
	}
	if got := string(marshal(t, end)); got != `{"type":"sip","username":"desk","password":"hunter2"}` || string(end.Password) != "hunter2" {
		t.Errorf("it is written as %s", got)
	}
}
