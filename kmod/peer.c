// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is connected, by address, and how many connections there may be: of each
 * client and in all.
 *
 * Any machine that reaches the port can ask for connections, and each costs
 * memory before its client has said who it is. So they are counted from the
 * request until they are freed, and one too many is refused at once. The limits
 * are far above what honest clients ask for.
 */
#include <linux/hashtable.h>
#include <linux/jhash.h>
#include <linux/slab.h>

#include <linux/sunrpc/addr.h>

#include "svcrdma.h"

enum {
	SVC_RDMA_PEER_BITS	= 10,
};

/**
 * struct svc_rdma_peer - a client, as far as its address tells
 * @node: in svc_rdma_peers
 * @net: network namespace that the address belongs to; its connections hold it
 * @addr: of the client; ports are not compared
 * @connections: that it has, those being built or freed included; never 0
 */
struct svc_rdma_peer {
	struct hlist_node	node;
	const struct net	*net;
	struct sockaddr_storage	addr;
	unsigned int		connections;
};

/* Protects all below, and the members of each peer. */
static DEFINE_SPINLOCK(svc_rdma_peers_lock);
static DEFINE_HASHTABLE(svc_rdma_peers, SVC_RDMA_PEER_BITS);
static unsigned int svc_rdma_connections;

static u32 svc_rdma_peer_hash(const struct sockaddr *addr)
{
	if (addr->sa_family == AF_INET6)
		return jhash(&((const struct sockaddr_in6 *)addr)->sin6_addr,
			     sizeof(struct in6_addr), 0);
	return jhash(&((const struct sockaddr_in *)addr)->sin_addr,
		     sizeof(struct in_addr), 0);
}

static struct svc_rdma_peer *svc_rdma_peer_find(const struct net *net,
						const struct sockaddr *addr)
{
	struct svc_rdma_peer *peer;

	hash_for_each_possible(svc_rdma_peers, peer, node,
			       svc_rdma_peer_hash(addr))
		if (peer->net == net &&
		    rpc_cmp_addr((struct sockaddr *)&peer->addr, addr))
			return peer;
	return NULL;
}

/**
 * svc_rdma_peer_get - count one more connection of a client
 * @net: network namespace
 * @addr: the client's address, IPv4 or IPv6
 *
 * May sleep. svc_rdma_peer_put() undoes it. Returns the client, or an ERR_PTR:
 * -EUSERS if there are as many connections as there may be, which is counted, or
 * -ENOMEM.
 */
struct svc_rdma_peer *svc_rdma_peer_get(const struct net *net,
					const struct sockaddr *addr)
{
	unsigned int most = svc_rdma_setting(SVC_RDMA_SETTING_CLIENT_CONNECTIONS);
	unsigned int in_all = svc_rdma_setting(SVC_RDMA_SETTING_CONNECTIONS);
	struct svc_rdma_peer *spare = kzalloc(sizeof(*spare), GFP_KERNEL);
	struct svc_rdma_peer *peer;

	if (!spare)
		return ERR_PTR(-ENOMEM);
	spare->net = net;
	memcpy(&spare->addr, addr, svc_addr_len(addr));

	spin_lock(&svc_rdma_peers_lock);
	peer = svc_rdma_peer_find(net, addr);
	if (svc_rdma_connections >= in_all) {
		svc_rdma_count(SVC_RDMA_accepts_over_limit);
		peer = ERR_PTR(-EUSERS);
	} else if (peer && peer->connections >= most) {
		svc_rdma_count(SVC_RDMA_accepts_over_client_limit);
		peer = ERR_PTR(-EUSERS);
	} else {
		if (!peer) {
			peer = spare;
			spare = NULL;
			hash_add(svc_rdma_peers, &peer->node,
				 svc_rdma_peer_hash(addr));
		}
		peer->connections++;
		svc_rdma_connections++;
	}
	spin_unlock(&svc_rdma_peers_lock);
	kfree(spare);
	return peer;
}

/**
 * svc_rdma_peer_put - a connection of a client is gone
 * @peer: from svc_rdma_peer_get(); may be freed on return
 *
 * Process context.
 */
void svc_rdma_peer_put(struct svc_rdma_peer *peer)
{
	bool last;

	spin_lock(&svc_rdma_peers_lock);
	svc_rdma_connections--;
	last = !--peer->connections;
	if (last)
		hash_del(&peer->node);
	spin_unlock(&svc_rdma_peers_lock);
	if (last)
		kfree(peer);
}
