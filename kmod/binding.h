/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Upper-Layer Binding of NFS (RFC 8267), as far as a Responder has to know
 * it before nfsd sees a call: which calls have arguments that may be conveyed in
 * a Read chunk. Pure C, no kernel dependency.
 */
#ifndef SVCRDMA_BINDING_H
#define SVCRDMA_BINDING_H

#include "header.h"

enum {
	BINDING_CALL_SIZE	= 24,		/* bytes of an RPC call up to the procedure */
	BINDING_NFS		= 100003,	/* RPC program */
	BINDING_NFS2_WRITE	= 8,
	BINDING_NFS2_SYMLINK	= 13,
	BINDING_NFS3_WRITE	= 7,
	BINDING_NFS3_SYMLINK	= 10,
	BINDING_NFS4_COMPOUND	= 1,
};

/* Word @index, counted from 0, of the message at @call, which need not be aligned. */
static inline u32 binding_word(const u8 *call, u32 index)
{
	return rpcrdma_hdr_word(call + 4 * index);
}

/*
 * Whether any argument of the RPC call whose first @len bytes are at @call may
 * be reduced: file data and link targets may (RFC 8267 sections 4, 5.2 and 6.1).
 * Where in a COMPOUND these lie is for nfsd to know. False if @len ends before
 * the procedure's number does.
 */
static inline bool binding_may_reduce(const u8 *call, u32 len)
{
	u32 procedure;

	/* XID, direction, RPC version, program, version, procedure */
	if (len < BINDING_CALL_SIZE || binding_word(call, 3) != BINDING_NFS)
		return false;
	procedure = binding_word(call, 5);
	switch (binding_word(call, 4)) {
	case 2:
		return procedure == BINDING_NFS2_WRITE ||
		       procedure == BINDING_NFS2_SYMLINK;
	case 3:
		return procedure == BINDING_NFS3_WRITE ||
		       procedure == BINDING_NFS3_SYMLINK;
	case 4:
		return procedure == BINDING_NFS4_COMPOUND;
	default:
		return false;
	}
}

#endif
