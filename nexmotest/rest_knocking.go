package nexmotest

import (
	"net/http"

	"github.com/conversation-events/nexmo"
)

var knockingRoutes = []route{
	{beta | v03, http.MethodPost, "/knocking", knock},
	{beta | v03, http.MethodDelete, "/knocking/{knocker}", cancelKnocking},
}

// knock has a user ask the application to be let into a conversation.
func knock(r *request) (answer, *apiError) {
	if r.user == nil {
		return answer{}, errNoUserToken
	}
	f := r.fields()
	f.require("channel")
	body := object{"channel": f.raw("channel", '{'), "user": r.user.withPicture(object{"id": r.user.id, "name": r.user.name})}
	if properties := f.raw("properties", '{'); properties != nil {
		body["properties"] = properties
	}
	if err := f.err(); err != nil {
		return answer{}, err
	}
	e := r.server.engine
	id := "knocker:" + newUUID()
	e.knockers[id] = r.user
	e.publish(occurrence{Type: string(nexmo.EventAppKnocking), From: id, Body: encode(body), Timestamp: now()})
	return created(object{"id": id})
}

func cancelKnocking(r *request) (answer, *apiError) {
	e := r.server.engine
	id := r.vars["knocker"]
	u := e.knockers[id]
	if u == nil || r.user != nil && r.user != u {
		return answer{}, refuse(http.StatusNotFound, "knocking:error:not-found", "Knocker does not exist, or you do not have access.")
	}
	delete(e.knockers, id)
	body := object{"user": object{"id": u.id, "name": u.name}, "timestamp": object{"destroyed": stamp(now())}}
	reason := map[string]string{}
	for name, parameter := range map[string]string{"code": "reason_code", "text": "reason_text"} {
		if value := r.query.Get(parameter); value != "" {
			reason[name] = value
		}
	}
	if len(reason) > 0 {
		body["reason"] = reason
	}
	e.publish(occurrence{Type: string(nexmo.EventAppKnockingCancel), From: id, Body: encode(body), Timestamp: now()})
	return r.done()
}
