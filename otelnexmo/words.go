package otelnexmo

import (
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"

	"github.com/conversation-events/nexmo"
)

// Attributes that the semantic conventions do not have.
const (
	viaKey         = attribute.Key("nexmo.via")
	typeKey        = attribute.Key("nexmo.event.type")
	outcomeKey     = attribute.Key("nexmo.outcome")
	permanentKey   = attribute.Key("nexmo.permanent")
	againKey       = attribute.Key("nexmo.again")
	redeliveredKey = attribute.Key("nexmo.redelivered")
	patternKey     = attribute.Key("nexmo.handler.pattern")
	reasonKey      = attribute.Key("nexmo.refusal.reason")
	forgottenKey   = attribute.Key("nexmo.duplicate.forgotten")
	fromKey        = attribute.Key("nexmo.missing.from")
	toKey          = attribute.Key("nexmo.missing.to")
	eventsKey      = attribute.Key("nexmo.fetch.events")
	operationKey   = attribute.Key("nexmo.request.operation")
	stateKey       = attribute.Key("nexmo.session.state")
	linkKey        = attribute.Key("nexmo.link.reason")
)

// What becomes of an event, or of a dead letter.
const (
	handled  = "handled"
	failed   = "failed"
	setAside = "set_aside"
)

// What stands for values that are not listed.
const (
	anyCustom = "custom:*"
	otherWord = "other"
)

// vias are the values of nexmo.via.
var vias = words(nexmo.ViaDeliver, nexmo.ViaWebhook, nexmo.ViaSession, nexmo.ViaReplay, nexmo.ViaFetch)

// viaWord returns via, or what stands for one that is not listed.
func viaWord(via string) string { return listed(vias, via) }

// methods are those of the requests.
var methods = words("GET", "POST", "PUT", "PATCH", "DELETE")

// types are the values of nexmo.event.type in names of spans and in metrics, without those that
// stand for others, and the patterns that handlers can be registered for.
var types = func() map[string]string {
	all := words(string(nexmo.EventAny))
	for _, t := range nexmo.EventTypes() {
		all[string(t)] = string(t)
		family, _, _ := strings.Cut(string(t), ":")
		all[family+":*"] = family + ":*"
	}
	return all
}()

// typeWord returns t, or what stands for one that the package has no body for. It never
// returns a part of the text of an event.
func typeWord(t nexmo.EventType) string {
	if word, ok := types[string(t)]; ok {
		return word
	}
	if strings.HasPrefix(string(t), "custom:") {
		return anyCustom
	}
	return otherWord
}

func words(all ...string) map[string]string {
	m := map[string]string{}
	for _, word := range all {
		m[word] = word
	}
	return m
}

func listed(all map[string]string, word string) string {
	if word, ok := all[word]; ok {
		return word
	}
	return otherWord
}

// maxCached bounds a cache. The program has fewer handlers, and the package fewer routes.
const maxCached = 4096

// cache holds what is made for a key, such as the attributes of a handler. The zero value is
// ready for use.
type cache[K comparable, V any] struct {
	mu  sync.RWMutex
	all map[K]V
}

// get returns what is kept for k, or else what made returns.
func (c *cache[K, V]) get(k K, made func(K) V) V {
	c.mu.RLock()
	v, ok := c.all[k]
	c.mu.RUnlock()
	if ok {
		return v
	}
	v = made(k)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[K]V{}
	}
	if len(c.all) < maxCached {
		c.all[k] = v
	}
	return v
}
