// SPDX-License-Identifier: GPL-2.0-only
/*
 * RDMA devices that come and go, and the connections on each.
 *
 * A device may not go before everything that was made of it is gone, and whoever
 * removes it waits for that. So all its connections, those that wait to be
 * accepted included, are closed at once, and no new one is taken. Listeners look
 * after themselves (listener.c).
 */
#include <linux/mutex.h>
#include <linux/slab.h>

#include "svcrdma.h"
#include "lend.h"

/* Jiffies after which the log says what the removal of a device waits for. */
#define SVC_RDMA_REMOVAL_SLOW	(10 * HZ)

/**
 * struct svc_rdma_device - a device and what is on it
 * @entry: in svc_rdma_devices, until the device goes
 * @device: the RDMA core's
 * @connections: accepted or waiting, until they are freed
 * @idle: somebody waits here for the last of them
 * @own: its limits, while others are lent
 */
struct svc_rdma_device {
	struct list_head	entry;
	struct ib_device	*device;
	struct list_head	connections;
	wait_queue_head_t	idle;
	struct svc_rdma_own_limits own;
};

/* Protects the list and the lists in it. */
static DEFINE_MUTEX(svc_rdma_devices_mutex);
static LIST_HEAD(svc_rdma_devices);

/**
 * svc_rdma_device_attach - note that a connection is on a device
 * @rdma: connection; its id tells the device
 *
 * May sleep. Returns false if the device is going: the connection must not be.
 */
bool svc_rdma_device_attach(struct svcxprt_rdma *rdma)
{
	struct svc_rdma_device *device;

	mutex_lock(&svc_rdma_devices_mutex);
	list_for_each_entry(device, &svc_rdma_devices, entry) {
		if (device->device == rdma->sc_cm_id->device) {
			rdma->sc_device = device;
			list_add(&rdma->sc_device_entry, &device->connections);
			break;
		}
	}
	mutex_unlock(&svc_rdma_devices_mutex);
	return rdma->sc_device;
}

/**
 * svc_rdma_device_detach - nothing of a connection is on its device any more
 * @rdma: connection, attached or not
 *
 * May sleep.
 */
void svc_rdma_device_detach(struct svcxprt_rdma *rdma)
{
	struct svc_rdma_device *device = rdma->sc_device;

	if (!device)
		return;
	mutex_lock(&svc_rdma_devices_mutex);
	list_del(&rdma->sc_device_entry);
	if (list_empty(&device->connections))
		wake_up(&device->idle);
	mutex_unlock(&svc_rdma_devices_mutex);
}

/**
 * svc_rdma_visit_connections - look at every connection, handed over or not
 * @look: what is to be done with each; it is referenced meanwhile
 * @data: for @look
 *
 * May sleep, and @look may; but all who connect wait meanwhile.
 */
void svc_rdma_visit_connections(svc_rdma_look look, void *data)
{
	struct svcxprt_rdma *rdma, *next;
	struct svc_rdma_device *device;

	mutex_lock(&svc_rdma_devices_mutex);
	list_for_each_entry(device, &svc_rdma_devices, entry) {
		list_for_each_entry_safe(rdma, next, &device->connections,
					 sc_device_entry) {
			/* One that is being freed waits for the mutex. */
			if (!kref_get_unless_zero(&rdma->sc_xprt.xpt_ref))
				continue;
			look(rdma, data);
			svc_xprt_put(&rdma->sc_xprt);
		}
	}
	mutex_unlock(&svc_rdma_devices_mutex);
}

static int svc_rdma_device_add(struct ib_device *ibdev)
{
	struct svc_rdma_device *device = kzalloc(sizeof(*device), GFP_KERNEL);

	if (!device)
		return -ENOMEM;
	device->device = ibdev;
	INIT_LIST_HEAD(&device->connections);
	init_waitqueue_head(&device->idle);
	svc_rdma_lend(ibdev, &device->own);
	ib_set_client_data(ibdev, &svc_rdma_ib_client, device);
	mutex_lock(&svc_rdma_devices_mutex);
	list_add(&device->entry, &svc_rdma_devices);
	mutex_unlock(&svc_rdma_devices_mutex);
	return 0;
}

static void svc_rdma_device_remove(struct ib_device *ibdev, void *data)
{
	struct svc_rdma_device *device = data;
	struct svcxprt_rdma *rdma, *next;

	mutex_lock(&svc_rdma_devices_mutex);
	list_del(&device->entry);
	/* Freeing waits for the mutex, so those on the list are there. */
	list_for_each_entry_safe(rdma, next, &device->connections,
				 sc_device_entry) {
		svc_rdma_count(SVC_RDMA_device_closes);
		svc_rdma_abandon(rdma);
	}
	mutex_unlock(&svc_rdma_devices_mutex);

	while (!wait_event_timeout(device->idle,
				   list_empty_careful(&device->connections),
				   SVC_RDMA_REMOVAL_SLOW))
		pr_warn("svcrdma: %s is to go, but RPCs are still in progress on its connections\n",
			dev_name(&ibdev->dev));
	/* Whoever took the last of them off may still hold the mutex. */
	mutex_lock(&svc_rdma_devices_mutex);
	mutex_unlock(&svc_rdma_devices_mutex);
	svc_rdma_lend_end(ibdev, &device->own);
	kfree(device);
}

struct ib_client svc_rdma_ib_client = {
	.name	= "svcrdma_ll",
	.add	= svc_rdma_device_add,
	.remove	= svc_rdma_device_remove,
};
