package nexmotest

import (
	"net"
	"net/http"
)

var discoveryRoutes = []route{
	{v03, http.MethodGet, "/discovery/api", discoverAPI},
	{v03, http.MethodGet, "/discovery/media/{dc}", discoverMedia},
}

// dataCentre is the name of the only data centre.
const dataCentre = "nexmotest"

func discoverAPI(r *request) (answer, *apiError) {
	return ok(object{dataCentre: object{
		"endpoint": r.server.URL(), "https": r.server.URL(), "ws": r.server.WebsocketURL(),
	}})
}

func discoverMedia(r *request) (answer, *apiError) {
	if r.vars["dc"] != dataCentre {
		return answer{}, refuse(http.StatusNotFound, "http:error:not-found", "There is no such data centre.")
	}
	host, port, err := net.SplitHostPort(r.server.address())
	if err != nil {
		host, port = r.server.address(), "80"
	}
	return ok([]object{{"ip": host, "port": port}})
}
