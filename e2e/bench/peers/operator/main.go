// An operator as controller-runtime makes one: the same kind and the same children as ours, rendered from the objects
// that ours builds, so that only what a framework does is compared. It keeps the usual typed copies of all kinds.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	goruntime "runtime"
	"strconv"
	"strings"
	"syscall"

	"go.uber.org/zap/zapcore"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

var serviceKind = schema.GroupVersionKind{Group: "dataservice.dev", Version: "v1alpha1", Kind: "DataService"}

const (
	seal    = "dataservice.dev/desired"
	manager = "peer"
)

// template is a child with words in it that stand for what differs from DataService to DataService.
type template struct {
	Stage  string          `json:"stage"`
	Kind   string          `json:"kind"`
	Write  string          `json:"write"`
	Object json.RawMessage `json:"object"`
}

// stages in the order in which they become due.
var stages = []string{"engines", "migration", "service", "scaling"}

type reconciler struct {
	client.Client
	templates []template
}

func main() {
	ctrl.SetLogger(zap.New(zap.Level(zapcore.ErrorLevel)))
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	text, err := os.ReadFile(os.Getenv("TEMPLATES"))
	if err != nil {
		return err
	}
	r := &reconciler{}
	if err := json.Unmarshal(text, &r.templates); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return err
	}
	config := ctrl.GetConfigOrDie()
	config.QPS = -1
	// Secrets are read live, as ours are.
	uncached := client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}}
	m, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  scheme,
		Metrics: metricsserver.Options{BindAddress: "0"},
		Client:  uncached,
	})
	if err != nil {
		return err
	}
	r.Client = m.GetClient()
	workers, err := strconv.Atoi(os.Getenv("WORKERS"))
	if err != nil {
		return err
	}
	service := &unstructured.Unstructured{}
	service.SetGroupVersionKind(serviceKind)
	build := ctrl.NewControllerManagedBy(m).For(service).WithOptions(controller.Options{MaxConcurrentReconciles: workers})
	for _, owned := range kinds {
		build = build.Owns(owned())
	}
	if err := build.Complete(r); err != nil {
		return err
	}
	ctx := ctrl.SetupSignalHandler()
	go tellRetained()
	// Controllers ask for their copies when they begin; waiting for all of them takes that all are known before.
	for _, owned := range kinds {
		if _, err := m.GetCache().GetInformer(ctx, owned()); err != nil {
			return err
		}
	}
	if _, err := m.GetCache().GetInformer(ctx, service); err != nil {
		return err
	}
	go func() {
		if m.GetCache().WaitForCacheSync(ctx) {
			fmt.Println("the operator is working")
		}
	}()
	return m.Start(ctx)
}

// tellRetained says what cannot be freed whenever it is asked to.
func tellRetained() {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR2)
	for range asked {
		var memory goruntime.MemStats
		goruntime.GC()
		goruntime.GC()
		goruntime.ReadMemStats(&memory)
		fmt.Println("retained", memory.HeapAlloc)
	}
}

var kinds = map[string]func() client.Object{
	"ServiceAccount":          func() client.Object { return &corev1.ServiceAccount{} },
	"ConfigMap":               func() client.Object { return &corev1.ConfigMap{} },
	"Service":                 func() client.Object { return &corev1.Service{} },
	"PodDisruptionBudget":     func() client.Object { return &policyv1.PodDisruptionBudget{} },
	"NetworkPolicy":           func() client.Object { return &networkingv1.NetworkPolicy{} },
	"StatefulSet":             func() client.Object { return &appsv1.StatefulSet{} },
	"Job":                     func() client.Object { return &batchv1.Job{} },
	"CronJob":                 func() client.Object { return &batchv1.CronJob{} },
	"Deployment":              func() client.Object { return &appsv1.Deployment{} },
	"HorizontalPodAutoscaler": func() client.Object { return &autoscalingv2.HorizontalPodAutoscaler{} },
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	if os.Getenv("READ_ONLY") != "" {
		return ctrl.Result{}, nil // only its copies are looked at
	}
	service := &unstructured.Unstructured{}
	service.SetGroupVersionKind(serviceKind)
	if err := r.Get(ctx, request.NamespacedName, service); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	names := strings.NewReplacer("peer-namespace", service.GetNamespace(), "peer-name", service.GetName(),
		"peer-uid", string(service.GetUID()))
	ready := true
	for _, stage := range stages {
		for _, each := range r.templates {
			if each.Stage != stage {
				continue
			}
			isReady, err := r.ensure(ctx, service, each, names)
			if err != nil {
				return ctrl.Result{}, err
			}
			ready = ready && isReady
		}
		if !ready {
			break // what comes next needs what is not there yet
		}
	}
	return ctrl.Result{}, r.report(ctx, service, ready)
}

// ensure writes a child when it is missing or differs from what is wanted; it tells whether the child is ready.
func (r *reconciler) ensure(ctx context.Context, service *unstructured.Unstructured, each template, names *strings.Replacer) (bool, error) {
	wanted := &unstructured.Unstructured{}
	if err := wanted.UnmarshalJSON([]byte(names.Replace(string(each.Object)))); err != nil {
		return false, err
	}
	if each.Kind == "Secret" {
		if _, known, _ := unstructured.NestedSlice(service.Object, "status", "conditions"); known {
			return true, nil
		}
		return true, ignoreExisting(r.Create(ctx, wanted, client.FieldOwner(manager)))
	}
	found := kinds[each.Kind]()
	err := r.Get(ctx, client.ObjectKeyFromObject(wanted), found)
	if err != nil && !apierrors.IsNotFound(err) {
		return false, err
	}
	missing := err != nil
	switch {
	case missing && each.Write == "create":
		return false, ignoreExisting(r.Create(ctx, wanted, client.FieldOwner(manager)))
	case missing || (each.Write != "create" && found.GetAnnotations()[seal] != wanted.GetAnnotations()[seal]):
		// A workload is ready when its own change was seen.
		apply := client.ApplyConfigurationFromUnstructured(wanted)
		return !runs(each.Kind), r.Apply(ctx, apply, client.FieldOwner(manager), client.ForceOwnership)
	}
	return isReady(found), nil
}

func ignoreExisting(err error) error {
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func runs(kind string) bool { return kind == "StatefulSet" || kind == "Deployment" || kind == "Job" }

func isReady(object client.Object) bool {
	switch workload := object.(type) {
	case *appsv1.StatefulSet:
		return workload.Status.ObservedGeneration >= workload.Generation && workload.Status.ReadyReplicas == *workload.Spec.Replicas
	case *appsv1.Deployment:
		return workload.Status.ObservedGeneration >= workload.Generation && workload.Status.ReadyReplicas == *workload.Spec.Replicas
	case *batchv1.Job:
		return workload.Status.Succeeded > 0
	}
	return true
}

// report writes the status when it differs.
func (r *reconciler) report(ctx context.Context, service *unstructured.Unstructured, ready bool) error {
	is := "False"
	if ready {
		is = "True"
	}
	conditions, _, _ := unstructured.NestedSlice(service.Object, "status", "conditions")
	for _, each := range conditions {
		if known, ok := each.(map[string]any); ok && known["type"] == "Ready" && known["status"] == is {
			return nil
		}
	}
	status := map[string]any{
		"observedGeneration": service.GetGeneration(),
		"conditions": []any{map[string]any{
			"type": "Ready", "status": is, "observedGeneration": service.GetGeneration(), "reason": "Reconciled", "message": "all children were looked at",
			"lastTransitionTime": service.GetCreationTimestamp().UTC().Format("2006-01-02T15:04:05Z"),
		}},
	}
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	return client.IgnoreNotFound(r.Status().Patch(ctx, service, client.RawPatch("application/merge-patch+json", patch)))
}
