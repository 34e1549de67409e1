package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	"k8s.io/kubernetes/pkg/registry/apps/deployment"
	"k8s.io/kubernetes/pkg/registry/autoscaling/horizontalpodautoscaler"
	"k8s.io/kubernetes/pkg/registry/core/configmap"
	"k8s.io/kubernetes/pkg/registry/core/secret"
	"k8s.io/kubernetes/pkg/registry/core/service"
	"k8s.io/kubernetes/pkg/registry/core/serviceaccount"
	"k8s.io/kubernetes/pkg/registry/networking/ingress"
	"k8s.io/kubernetes/pkg/registry/networking/networkpolicy"
	"k8s.io/kubernetes/pkg/registry/policy/poddisruptionbudget"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// kubernetes builds the kustomization, creates its objects as the API server would,
// and writes them.
func kubernetes(folder string, out io.Writer) error {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return fmt.Errorf("%s: %w", folder, err)
	}
	text, err := built.AsYaml()
	if err != nil {
		return fmt.Errorf("%s: %w", folder, err)
	}
	faults := []error{nil}
	for documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text))); ; {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
		if err := create(document); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", folder, err))
		}
	}
	_, err = out.Write(text)
	return errors.Join(append(faults, err)...)
}

// create does what the API server does with a new object, but keeps nothing: it is
// decoded strictly, given its defaults and validated. What the server would only
// warn of is a fault too, and so is a pod below the restricted security standard.
func create(document []byte) error {
	strict := serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict)
	versioned, kind, err := strict.UniversalDeserializer().Decode(document, nil, nil)
	if err != nil {
		return fmt.Errorf("decode: %w\n%s", err, document)
	}
	legacyscheme.Scheme.Default(versioned)
	if s, ok := versioned.(*corev1.Service); ok && s.Spec.ClusterIP != "" {
		// What holds addresses does this, and not the defaults.
		s.Spec.ClusterIPs = []string{s.Spec.ClusterIP}
	}
	strategy, known := strategies()[kind.Kind]
	if !known {
		return fmt.Errorf("%s: no check is known for this kind: add it to strategies", kind)
	}
	internal, err := legacyscheme.Scheme.UnsafeConvertToVersion(versioned, runtime.InternalGroupVersioner)
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	object, err := meta.Accessor(internal)
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	ctx := asCreated(*kind, object)
	rest.FillObjectMetaSystemFields(object)
	var faults []error
	if err := rest.BeforeCreate(strategy, ctx, internal); err != nil {
		faults = append(faults, err)
	}
	for _, warning := range strategy.WarningsOnCreate(ctx, internal) {
		faults = append(faults, errors.New(warning))
	}
	if d, ok := versioned.(*appsv1.Deployment); ok {
		faults = append(faults, restricted(d))
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("%s %s: %w", kind.Kind, object.GetName(), err)
	}
	return nil
}

// strategies are the API server's own for new objects of each kind.
func strategies() map[string]rest.RESTCreateStrategy {
	return map[string]rest.RESTCreateStrategy{
		"ConfigMap":               configmap.Strategy,
		"Deployment":              deployment.Strategy,
		"HorizontalPodAutoscaler": horizontalpodautoscaler.Strategy,
		"Ingress":                 ingress.Strategy,
		"NetworkPolicy":           networkpolicy.Strategy,
		"PodDisruptionBudget":     poddisruptionbudget.Strategy,
		"Secret":                  secret.Strategy,
		"Service":                 service.Strategy,
		"ServiceAccount":          serviceaccount.Strategy,
	}
}

// asCreated is the context of a request that creates the object in its namespace.
func asCreated(kind schema.GroupVersionKind, object metav1.Object) context.Context {
	if object.GetNamespace() == "" {
		object.SetNamespace(metav1.NamespaceDefault)
	}
	ctx := request.WithNamespace(context.Background(), object.GetNamespace())
	return request.WithRequestInfo(ctx, &request.RequestInfo{
		IsResourceRequest: true, Verb: "create", APIGroup: kind.Group, APIVersion: kind.Version,
		Namespace: object.GetNamespace(), Name: object.GetName(),
	})
}

// restricted holds the pods of the deployment to the strictest of the pod security
// standards.
func restricted(d *appsv1.Deployment) error {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return err
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	pod := d.Spec.Template
	result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec))
	if !result.Allowed {
		return fmt.Errorf("not of the pod security standard %q: %s", level.Level, result.ForbiddenDetail())
	}
	return nil
}
