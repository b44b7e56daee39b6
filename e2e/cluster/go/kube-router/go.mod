module dataservice.dev/cluster/kube-router

go 1.25.0

require github.com/cloudnativelabs/kube-router/v2 v2.6.3
replace github.com/cloudnativelabs/kube-router/v2 => github.com/k3s-io/kube-router/v2 v2.6.3-k3s1
