package nexmotest

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
)

var imageRoutes = []route{
	{v1, http.MethodPost, "/image", uploadImage},
	{v1, http.MethodGet, "/media/{image}", getImage},
	{v1, http.MethodDelete, "/media/{image}", deleteImage},
}

// image is an uploaded picture. It is kept as it came: its three sizes are one.
type image struct {
	content     []byte
	contentType string
}

func uploadImage(r *request) (answer, *apiError) {
	img, found := readImage(r.header.Get("Content-Type"), r.body)
	if !found {
		return answer{}, invalid("file", `"file" is required`)
	}
	e := r.server.engine
	o := object{}
	// A client is known that does not read a picture whose address has "image" in it.
	for _, size := range []string{"original", "medium", "thumbnail"} {
		id := newUUID()
		e.images[id] = img
		o[size] = object{"id": id, "url": r.server.URL() + "/v1/media/" + id, "type": size, "size": len(img.content)}
	}
	return ok(o) // that client goes on only after 200
}

// readImage finds the part of a form that is the file.
func readImage(contentType string, body []byte) (image, bool) {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return image{}, false
	}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := parts.NextPart()
		if err != nil {
			return image{}, false
		}
		if part.FormName() != "file" {
			continue
		}
		content, err := io.ReadAll(part)
		return image{content, part.Header.Get("Content-Type")}, err == nil
	}
}

func getImage(r *request) (answer, *apiError) {
	img, known := r.server.engine.images[r.vars["image"]]
	if !known {
		return answer{}, errNoImage
	}
	return answer{status: http.StatusOK, content: img.content, contentType: img.contentType}, nil
}

func deleteImage(r *request) (answer, *apiError) {
	e := r.server.engine
	if _, known := e.images[r.vars["image"]]; !known {
		return answer{}, errNoImage
	}
	delete(e.images, r.vars["image"])
	return answer{status: http.StatusNoContent}, nil
}

var errNoImage = refuse(http.StatusNotFound, "image:error:not-found", "Image does not exist, or you do not have access.")
