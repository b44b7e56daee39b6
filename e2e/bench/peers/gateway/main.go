// The gateway as one would write it in Go: net/http, santhosh-tekuri/jsonschema and franz-go. It does what ours does
// for one record of a POST: bounds, JSON Schema, an id that carries the time, the CloudEvents headers, the partition by
// the key, an idempotent append with acks=all in zstd batches that wait 3 ms for company, a signed token, metrics, and 202
// only when the log has it. It does not do what ours does beyond: no duplicate keys or lone surrogates are found, there
// are no lists, waits, keys of requests, callers or limits of memory.
package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	maxBodyBytes = 10 << 20
	deadline     = 4500 * time.Millisecond
	linger       = 3 * time.Millisecond
	signatureLen = 22
	// Room for young objects, as ours has.
	gcPercent = 400
)

// One request at a time takes little; what it needs is shared.
type gateway struct {
	log      *kgo.Client
	schema   *jsonschema.Schema
	key      string
	headers  []kgo.RecordHeader
	secret   []byte
	requests *prometheus.CounterVec
	duration prometheus.Observer
}

func main() {
	if err := run(); err != nil {
		slog.Error("the gateway ended", "error", err)
		os.Exit(1)
	}
}

func run() error {
	debug.SetGCPercent(gcPercent)
	uuid.EnableRandPool()
	gateway, err := newGateway()
	if err != nil {
		return err
	}
	defer gateway.log.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /data", gateway.post)
	server := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       65 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		return err
	}
	fmt.Println("ready")
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	go func() {
		<-stop.Done()
		_ = server.Shutdown(context.Background())
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func newGateway() (*gateway, error) {
	schema, err := compile(os.Getenv("SCHEMA"))
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(os.Getenv("BROKERS"), ",")...),
		kgo.DefaultProduceTopic(os.Getenv("TOPIC")),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(linger),
		kgo.ProducerBatchCompression(kgo.ZstdCompression()),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
	)
	if err != nil {
		return nil, err
	}
	if err := client.Ping(context.Background()); err != nil {
		return nil, err
	}
	requests := prometheus.NewCounterVec(
		prometheus.CounterOpts{Name: "http_requests_total"}, []string{"route", "method", "status"})
	duration := prometheus.NewHistogramVec(
		prometheus.HistogramOpts{Name: "http_request_duration_seconds"}, []string{"route", "method"})
	prometheus.MustRegister(requests, duration)
	return &gateway{
		log:    client,
		schema: schema,
		key:    os.Getenv("KEY"),
		headers: []kgo.RecordHeader{
			{Key: "ce_specversion", Value: []byte("1.0")},
			{Key: "ce_type", Value: []byte("dev.dataservice.record.created")},
			{Key: "ce_source", Value: []byte("/dataservices/shop/orders")},
			{Key: "content-type", Value: []byte("application/json")},
			{Key: "ce_schemaversion", Value: []byte("1a2b3c4d")},
		},
		secret:   []byte(os.Getenv("SECRET")),
		requests: requests,
		duration: duration.WithLabelValues("/data", "POST"),
	}, nil
}

func compile(text string) (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	if err := compiler.AddResource("record.json", document); err != nil {
		return nil, err
	}
	return compiler.Compile("record.json")
}

func (g *gateway) post(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	status := g.answer(w, r)
	g.requests.WithLabelValues("/data", "POST", strconv.Itoa(status/100)+"xx").Inc()
	g.duration.Observe(time.Since(started).Seconds())
}

func (g *gateway) answer(w http.ResponseWriter, r *http.Request) int {
	if mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); mediaType != "application/json" {
		return problem(w, http.StatusUnsupportedMediaType, "send application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	if err != nil {
		return problem(w, http.StatusRequestEntityTooLarge, err.Error())
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return problem(w, http.StatusBadRequest, err.Error())
	}
	if err := g.schema.Validate(value); err != nil {
		return problem(w, http.StatusBadRequest, err.Error())
	}
	key, isText := value.(map[string]any)[g.key].(string)
	if !isText {
		return problem(w, http.StatusBadRequest, "the key must be a string")
	}
	now := time.Now()
	id, err := uuid.NewV7()
	if err != nil {
		return problem(w, http.StatusInternalServerError, err.Error())
	}
	record := g.record(id.String(), key, body, now)
	ctx, cancel := context.WithTimeout(r.Context(), deadline)
	defer cancel()
	if err := g.log.ProduceSync(ctx, record).FirstErr(); err != nil {
		return problem(w, http.StatusServiceUnavailable, err.Error())
	}
	position := strconv.Itoa(int(record.Partition)) + "-" + strconv.FormatInt(record.Offset, 10)
	return g.accepted(w, id.String(), position)
}

func (g *gateway) record(id, key string, body []byte, now time.Time) *kgo.Record {
	headers := make([]kgo.RecordHeader, 0, len(g.headers)+3)
	headers = append(headers, g.headers...)
	headers = append(headers,
		kgo.RecordHeader{Key: "ce_id", Value: []byte(id)},
		kgo.RecordHeader{Key: "ce_subject", Value: []byte(id)},
		kgo.RecordHeader{Key: "ce_time", Value: now.UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z")},
	)
	return &kgo.Record{Key: []byte(key), Value: body, Headers: headers, Timestamp: now}
}

func (g *gateway) accepted(w http.ResponseWriter, id, position string) int {
	answer, _ := json.Marshal(struct {
		ID       string `json:"id"`
		Position string `json:"position"`
	}{id, position})
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Location", "/data/"+id)
	header.Set("Consistency-Token", g.token("1.MkU3OEU0RkItNTVFMy00."+position))
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write(answer)
	return http.StatusAccepted
}

func (g *gateway) token(text string) string {
	mac := hmac.New(sha256.New, g.secret)
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))[:signatureLen]
}

func problem(w http.ResponseWriter, status int, detail string) int {
	body, _ := json.Marshal(map[string]any{"status": status, "detail": detail})
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
	return status
}
