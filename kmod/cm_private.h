/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The private message that both sides exchange while they connect (RFC 8797):
 * eight bytes that tell the size of each side's inline buffers and whether
 * remote invalidation may be used. Pure C, no kernel dependency.
 */
#ifndef SVCRDMA_CM_PRIVATE_H
#define SVCRDMA_CM_PRIVATE_H

#include "header.h"

enum {
	CM_PRIVATE_SIZE			= 8,	/* bytes, RFC 8797 section 4.1 */
	CM_PRIVATE_VERSION		= 1,
	CM_PRIVATE_REMOTE_INVALIDATION	= 1,	/* bit in the flags */
	CM_PRIVATE_DEFAULT_INLINE	= 1024,	/* bytes, RFC 8166 section 3.3.2 */
};

/**
 * struct cm_private - a decoded private message
 * @remote_invalidation: the sender supports Send With Invalidate
 * @send_size: bytes of the largest message it will send
 * @recv_size: bytes of its Receive buffers
 */
struct cm_private {
	bool remote_invalidation;
	u32 send_size;
	u32 recv_size;
};

static const u8 cm_private_magic[4] = { 0xf6, 0xab, 0x0e, 0x18 };

/*
 * Finds the private message in the @len bytes at @buf that came with a
 * connection event (@buf may be NULL if @len is 0). Returns false, and the
 * defaults of RFC 8166 in @priv, if there is none of a known version. Bytes
 * behind the message are allowed: connection managers pad.
 */
static inline bool cm_private_decode(const u8 *buf, u32 len,
				     struct cm_private *priv)
{
	u32 i;

	priv->remote_invalidation = false;
	priv->send_size = CM_PRIVATE_DEFAULT_INLINE;
	priv->recv_size = CM_PRIVATE_DEFAULT_INLINE;

	if (!buf || len < CM_PRIVATE_SIZE)
		return false;
	for (i = 0; i < sizeof(cm_private_magic); i++)
		if (buf[i] != cm_private_magic[i])
			return false;
	if (buf[4] != CM_PRIVATE_VERSION)
		return false;

	priv->remote_invalidation = buf[5] & CM_PRIVATE_REMOTE_INVALIDATION;
	priv->send_size = ((u32)buf[6] + 1) * 1024;
	priv->recv_size = ((u32)buf[7] + 1) * 1024;
	return true;
}

/*
 * Encodes @priv into the CM_PRIVATE_SIZE bytes at @buf. Sizes are rounded down
 * to KiB and lie between 1 KiB and 256 KiB.
 */
static inline void cm_private_encode(u8 *buf, const struct cm_private *priv)
{
	u32 i;

	for (i = 0; i < sizeof(cm_private_magic); i++)
		buf[i] = cm_private_magic[i];
	buf[4] = CM_PRIVATE_VERSION;
	buf[5] = priv->remote_invalidation ? CM_PRIVATE_REMOTE_INVALIDATION : 0;
	buf[6] = priv->send_size / 1024 - 1;
	buf[7] = priv->recv_size / 1024 - 1;
}

#endif
