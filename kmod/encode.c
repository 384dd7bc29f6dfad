// SPDX-License-Identifier: GPL-2.0-only
/*
 * Encoding RPC-over-RDMA version 1 transport headers, of replies, errors and
 * reverse-direction calls: see header.h.
 *
 * A reply's header is the end of its call's, copied, with other lengths. Nothing
 * is looked at again that decoding has checked: @hdr must have been decoded from
 * the same bytes.
 */
#include "header.h"
#include "header_sizes.h"

/* rdma_err, RFC 8166 section 4.5 */
enum {
	ERR_VERS	= 1,
	ERR_CHUNK	= 2,
};

static u8 *store_word(u8 *p, u32 word)
{
	p[0] = word >> 24;
	p[1] = word >> 16;
	p[2] = word >> 8;
	p[3] = word;
	return p + WORD;
}

static u8 *store_fixed_part(u8 *out, u32 xid, u32 vers, u32 credits, u32 proc)
{
	out = store_word(out, xid);
	out = store_word(out, vers);
	out = store_word(out, credits);
	return store_word(out, proc);
}

/*
 * Sets the lengths of @count segments to what was written into them, filled in
 * order. False if they cannot hold @written.
 */
static inline bool store_lengths(u8 *segments, u32 count, u32 written)
{
	u32 length;

	for (; count; count--, segments += SEGMENT) {
		length = rpcrdma_hdr_word(segments + WORD);
		if (length > written) {
			length = written;
			store_word(segments + WORD, length);
		}
		written -= length;
	}
	return written == 0;
}

u32 rpcrdma_hdr_encode_reply(u8 *out, u32 size, const u8 *call,
			     const struct rpcrdma_hdr *hdr,
			     const struct rpcrdma_hdr_answer *answer)
{
	u32 needed = rpcrdma_hdr_reply_size(hdr);
	u32 segments;
	u32 index;

	if (size < needed || (answer->reply_written && !hdr->has_reply))
		return 0;

	out = store_fixed_part(out, hdr->xid, RPCRDMA_HDR_VERSION,
			       answer->credits,
			       answer->reply_written ? RPCRDMA_PROC_NOMSG :
						       RPCRDMA_PROC_MSG);
	out = store_word(out, 0);
	memcpy(out, call + hdr->write_at, hdr->length - hdr->write_at);

	for (index = 0; index < hdr->write_chunks; index++) {
		segments = rpcrdma_hdr_word(out + WORD);
		out += 2 * WORD;
		if (!store_lengths(out, segments,
				   answer->written ? answer->written[index] : 0))
			return 0;
		out += segments * SEGMENT;
	}
	/* Behind the end of the Write list. */
	if (hdr->has_reply &&
	    !store_lengths(out + 3 * WORD, hdr->reply.segments,
			   answer->reply_written))
		return 0;
	return needed;
}

u32 rpcrdma_hdr_encode_error(u8 *out, u32 size, const struct rpcrdma_hdr *hdr,
			     u32 credits, enum rpcrdma_hdr_verdict verdict)
{
	bool version = verdict == RPCRDMA_HDR_BAD_VERSION;
	u32 needed = FIXED_PART + (version ? 3 * WORD : WORD);

	if (verdict == RPCRDMA_HDR_SHORT || verdict == RPCRDMA_HDR_DISCARD)
		return 0;
	if (size < needed)
		return 0;

	out = store_fixed_part(out, hdr->xid, hdr->vers, credits,
			       RPCRDMA_PROC_ERROR);
	if (version) {
		out = store_word(out, ERR_VERS);
		out = store_word(out, RPCRDMA_HDR_VERSION);
		store_word(out, RPCRDMA_HDR_VERSION);
	} else {
		store_word(out, ERR_CHUNK);
	}
	return needed;
}

u32 rpcrdma_hdr_encode_call(u8 *out, u32 size, u32 xid, u32 credits)
{
	if (size < RPCRDMA_HDR_MIN)
		return 0;

	out = store_fixed_part(out, xid, RPCRDMA_HDR_VERSION, credits,
			       RPCRDMA_PROC_MSG);
	out = store_word(out, 0);
	out = store_word(out, 0);
	store_word(out, 0);
	return RPCRDMA_HDR_MIN;
}
