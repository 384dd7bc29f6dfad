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

/* Whether a private message of a known version is in the CM_PRIVATE_SIZE bytes at @p. */
static inline bool cm_private_is_here(const u8 *p)
{
	u32 i;

	for (i = 0; i < sizeof(cm_private_magic); i++)
		if (p[i] != cm_private_magic[i])
			return false;
	return p[sizeof(cm_private_magic)] == CM_PRIVATE_VERSION;
}

/*
 * Finds the private message in the @len bytes at @buf that came with a
 * connection event (@buf may be NULL if @len is 0): at any offset, because other
 * layers may have put theirs in front of it (RFC 8797 section 5.2). Connection
 * managers pad behind it. Returns false, and the defaults of RFC 8166 in @priv,
 * if there is none of a known version.
 */
static inline bool cm_private_decode(const u8 *buf, u32 len,
				     struct cm_private *priv)
{
	const u8 *p;
	u32 at;

	priv->remote_invalidation = false;
	priv->send_size = CM_PRIVATE_DEFAULT_INLINE;
	priv->recv_size = CM_PRIVATE_DEFAULT_INLINE;

	for (at = 0; at + CM_PRIVATE_SIZE <= len; at++) {
		p = buf + at;
		if (!cm_private_is_here(p))
			continue;
		priv->remote_invalidation = p[5] & CM_PRIVATE_REMOTE_INVALIDATION;
		priv->send_size = ((u32)p[6] + 1) * 1024;
		priv->recv_size = ((u32)p[7] + 1) * 1024;
		return true;
	}
	return false;
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
