/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Upper-Layer Binding of NFS (RFC 8267), as far as a Responder has to know it:
 * which calls have arguments that may be conveyed in a Read chunk, and which results
 * may go to a Write chunk. Pure C, no kernel dependency.
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
	BINDING_NFS4_OP_READ	= 25,
	BINDING_NFS4_OP_READLINK = 27,
	BINDING_NFS4_BEFORE	= 16,		/* bytes: see binding_is_nfs4_data() */
	BINDING_AUTH_MIN	= 8,		/* bytes: flavour and length */
	BINDING_AUTH_BODY_MAX	= 400,		/* RFC 5531 section 8.2 */
	BINDING_RPCSEC_GSS	= 6,
	BINDING_GSS_SERVICE_NONE = 1,
};

/* Word @index, counted from 0, of the message at @call, which need not be aligned. */
static inline u32 binding_word(const u8 *call, u32 index)
{
	return rpcrdma_hdr_word(call + 4 * index);
}

/* Whether an argument of this procedure may be reduced (RFC 8267 sections 4, 5.2, 6.1). */
static inline bool binding_may_reduce_in(u32 version, u32 procedure)
{
	switch (version) {
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

/*
 * The end of the credential or verifier that begins @at bytes into the call, or 0
 * if the first @len bytes do not hold all of it.
 */
static inline u32 binding_auth_end(const u8 *call, u32 len, u32 at)
{
	u32 body;

	if (len < at || len - at < BINDING_AUTH_MIN)
		return 0;
	body = rpcrdma_hdr_word(call + at + 4);
	at += BINDING_AUTH_MIN;
	if (body > BINDING_AUTH_BODY_MAX || len - at < (body + 3) / 4 * 4)
		return 0;
	return at + (body + 3) / 4 * 4;
}

/*
 * Whether the arguments behind the credential at @call stand as they are: with
 * RPCSEC_GSS, only if the service is neither integrity nor privacy (RFC 2203
 * section 5.3.1). @end: of the credential.
 */
static inline bool binding_is_plain(const u8 *call, u32 end)
{
	const u8 *cred = call + BINDING_CALL_SIZE;

	if (rpcrdma_hdr_word(cred) != BINDING_RPCSEC_GSS)
		return true;
	/* version, procedure, sequence number, service */
	return end - BINDING_CALL_SIZE >= BINDING_AUTH_MIN + 4 * 4 &&
	       rpcrdma_hdr_word(cred + BINDING_AUTH_MIN + 3 * 4) ==
	       BINDING_GSS_SERVICE_NONE;
}

/*
 * Where the arguments begin, in bytes from @call, of an RPC call that has an
 * argument which may be reduced: file data and link targets may (RFC 8267 sections
 * 4, 5.2 and 6.1), the RPC header itself may not (RFC 8166 section 6.1), nor may
 * arguments that a security flavour has wrapped. 0 for any other call, or if the
 * header does not end within the first @len bytes. Where in a COMPOUND such an
 * argument lies is for nfsd to know.
 */
static inline u32 binding_reducible_from(const u8 *call, u32 len)
{
	u32 cred_end;

	/* XID, direction, RPC version, program, version, procedure */
	if (len < BINDING_CALL_SIZE || binding_word(call, 3) != BINDING_NFS ||
	    !binding_may_reduce_in(binding_word(call, 4), binding_word(call, 5)))
		return 0;
	cred_end = binding_auth_end(call, len, BINDING_CALL_SIZE);
	if (!cred_end || !binding_is_plain(call, cred_end))
		return 0;
	return binding_auth_end(call, len, cred_end);
}

/*
 * Whether a Read chunk of @chunk bytes can be the opaque whose length, @opaque
 * bytes, stands in front of it: with all, a part, or nothing of its roundup.
 */
static inline bool binding_fits(u32 opaque, u32 chunk)
{
	return chunk >= opaque && chunk - opaque <= (0 - opaque) % 4;
}

/*
 * Whether what follows the 16 bytes at @before in the reply to a COMPOUND, @length
 * bytes, is the data of a READ or the link of a READLINK: no other result may be
 * reduced (RFC 8267 section 6.1). An operation's number, its status and, for READ,
 * an end-of-file flag stand in front of the length (RFC 7530 sections 16.23, 16.25).
 */
static inline bool binding_is_nfs4_data(const u8 *before, u32 length)
{
	if (binding_word(before, 3) != length)
		return false;
	if (binding_word(before, 1) == BINDING_NFS4_OP_READLINK)
		return binding_word(before, 2) == 0;
	return binding_word(before, 0) == BINDING_NFS4_OP_READ &&
	       binding_word(before, 1) == 0 && binding_word(before, 2) <= 1;
}

#endif
