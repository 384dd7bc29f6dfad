// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and unloading: parameters, counters, the budget, workqueues, the backchannel,
 * devices and the transport class, in this order and back.
 */
#include <linux/kobject.h>
#include <linux/module.h>

#include "svcrdma.h"
#include "lend.h"

static char *transport = "rdma";
module_param(transport, charp, 0444);
MODULE_PARM_DESC(transport,
		 "name of the transport class, up to 15 characters (default: rdma); with another name than rdma it runs beside the stock transport");

static char *release = "deferred";
module_param(release, charp, 0444);
MODULE_PARM_DESC(release,
		 "who releases a finished reply: deferred (nfsd threads, between RPCs; default), workqueue, or inline (the completion handler)");

enum {
	SVC_RDMA_NAME_MAX = 15,		/* what nfsd's portlist can parse */
};

/*
 * For the beginning and the end of connections: building one takes time that the
 * connection manager's handler does not have, and freeing one waits for its queue
 * pair, which the last holder of a reference may not be allowed to do.
 */
struct workqueue_struct *svc_rdma_wq;

/* For release=workqueue: apart, because teardown waits for it. */
struct workqueue_struct *svc_rdma_release_wq;

/* Whether the module @name is loaded now: it has an entry beside ours in sysfs. */
static bool svc_rdma_module_loaded(const char *name)
{
	struct kobject *kobj = kset_find_obj(THIS_MODULE->mkobj.kobj.kset, name);

	kobject_put(kobj);
	return kobj;
}

static int __init svc_rdma_init(void)
{
	size_t len = strlen(transport);
	int ret;

	BUILD_BUG_ON(SVC_RDMA_IDENT == 256 || (SVC_RDMA_IDENT & XPRT_TRANSPORT_BC));

	if (!len || len > SVC_RDMA_NAME_MAX || strpbrk(transport, " \t\n")) {
		pr_err("svcrdma: transport=\"%s\": a name has 1 to %d characters and no blanks\n",
		       transport, SVC_RDMA_NAME_MAX);
		return -EINVAL;
	}
	if (svc_rdma_release_set_policy(release)) {
		pr_err("svcrdma: release=\"%s\": use deferred, workqueue or inline\n",
		       release);
		return -EINVAL;
	}
	ret = svc_rdma_lend_init();
	if (ret)
		return ret;

	svc_rdma_settings_init();
	ret = svc_rdma_stats_init();
	if (ret)
		return ret;
	ret = svc_rdma_budget_init();
	if (ret)
		goto out_stats;

	svc_rdma_wq = alloc_workqueue("svcrdma", WQ_UNBOUND, 0);
	if (!svc_rdma_wq) {
		ret = -ENOMEM;
		goto out_budget;
	}

	svc_rdma_release_wq = alloc_workqueue("svcrdma_release", WQ_UNBOUND, 0);
	if (!svc_rdma_release_wq) {
		ret = -ENOMEM;
		goto out_wq;
	}

	ret = svc_rdma_bc_init();
	if (ret)
		goto out_release_wq;

	/* After rdma_cm's own client, so that ours hears of a removal first. */
	ret = ib_register_client(&svc_rdma_ib_client);
	if (ret)
		goto out_bc;

	svc_rdma_keepalive_start();
	svc_rdma_class.xcl_name = transport;
	ret = svc_reg_xprt_class(&svc_rdma_class);
	if (ret == -EEXIST) {
		pr_err("svcrdma: the transport name \"%s\" is held by %s: unload it, or load svcrdma with transport=NAME (such as transport=rdma_ll) to run beside it\n",
		       transport, svc_rdma_module_loaded("rpcrdma") ?
		       "the stock module rpcrdma" : "another module");
		/* The module loader keeps -EEXIST for itself. */
		ret = -EBUSY;
	}
	if (ret)
		goto out_client;

	pr_info("svcrdma: transport \"%s\" registered, release=%s\n",
		transport, release);
	return 0;

out_client:
	svc_rdma_keepalive_stop();
	ib_unregister_client(&svc_rdma_ib_client);
out_bc:
	svc_rdma_bc_exit();
out_release_wq:
	destroy_workqueue(svc_rdma_release_wq);
out_wq:
	destroy_workqueue(svc_rdma_wq);
out_budget:
	svc_rdma_budget_exit();
out_stats:
	svc_rdma_stats_exit();
	return ret;
}

static void __exit svc_rdma_exit(void)
{
	svc_unreg_xprt_class(&svc_rdma_class);
	svc_rdma_keepalive_stop();
	svc_rdma_bc_exit();

	/*
	 * No transport is left (each holds a reference to this module), but
	 * the work that frees the last one may still be at it.
	 */
	destroy_workqueue(svc_rdma_wq);
	ib_unregister_client(&svc_rdma_ib_client);
	destroy_workqueue(svc_rdma_release_wq);
	svc_rdma_budget_exit();
	svc_rdma_stats_exit();
	pr_info("svcrdma: transport \"%s\" unregistered\n", transport);
}

module_init(svc_rdma_init);
module_exit(svc_rdma_exit);

MODULE_AUTHOR("The svcrdma authors");
MODULE_DESCRIPTION("NFS over RDMA server transport with a deferred release path");
MODULE_LICENSE("GPL");
MODULE_ALIAS("svcrdma");
