/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sizes of XDR items in a transport header, bytes. For decode.c and
 * encode.c alone: the names are too short to be everybody's.
 */
#ifndef SVCRDMA_HEADER_SIZES_H
#define SVCRDMA_HEADER_SIZES_H

#include "header.h"

enum {
	WORD		= 4,
	FIXED_PART	= 4 * WORD,		/* up to and including rdma_proc */
	SEGMENT		= RPCRDMA_HDR_SEGMENT,	/* HLOO in RFC 8166 section 4.7 */
};

#endif
