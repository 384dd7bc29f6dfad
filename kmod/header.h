/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The RPC-over-RDMA version 1 transport header (RFC 8166, section 4): decoding
 * what a Requester sent, encoding what a Responder answers.
 *
 * Pure C: no allocation, no locks, no kernel dependency, callable in any
 * context. The same files are compiled into the module, the unit tests, the
 * fuzzer and the lab's own client. Every limit on counts, lengths and positions
 * is decided in decode.c, before anybody allocates or reads anything.
 */
#ifndef SVCRDMA_HEADER_H
#define SVCRDMA_HEADER_H

#ifdef __KERNEL__
#include <linux/string.h>
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
#endif

enum {
	RPCRDMA_HDR_VERSION	= 1,
	RPCRDMA_HDR_MIN		= 28,	/* bytes: fixed part and three empty lists */
	RPCRDMA_HDR_ERR_MAX	= 28,	/* bytes of the longest RDMA_ERROR message */
	RPCRDMA_HDR_SEGMENT	= 16,	/* bytes of a plain RDMA segment */
};

/* The XDR word at @p, which need not be aligned. */
static inline u32 rpcrdma_hdr_word(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

/* rdma_proc, RFC 8166 section 4.2.4 */
enum rpcrdma_hdr_proc {
	RPCRDMA_PROC_MSG	= 0,
	RPCRDMA_PROC_NOMSG	= 1,
	RPCRDMA_PROC_MSGP	= 2,	/* obsolete, always refused */
	RPCRDMA_PROC_DONE	= 3,	/* obsolete, always discarded */
	RPCRDMA_PROC_ERROR	= 4,
};

/*
 * What rpcrdma_hdr_decode() found. Everything from RPCRDMA_HDR_BAD_PROC on is
 * answered with RDMA_ERROR and ERR_CHUNK (RFC 8166 section 4.5.2).
 */
enum rpcrdma_hdr_verdict {
	RPCRDMA_HDR_OK = 0,
	RPCRDMA_HDR_SHORT,		/* under 28 bytes: discard silently */
	RPCRDMA_HDR_DISCARD,		/* RDMA_DONE, RDMA_ERROR: discard silently */
	RPCRDMA_HDR_BAD_VERSION,	/* answer ERR_VERS */
	RPCRDMA_HDR_BAD_PROC,		/* not a procedure that carries a message */
	RPCRDMA_HDR_TRUNCATED,		/* a list runs past the end of the bytes */
	RPCRDMA_HDR_BAD_BOOL,		/* a list discriminator is neither 0 nor 1 */
	RPCRDMA_HDR_TOO_MANY,		/* segments or chunks beyond the limits */
	RPCRDMA_HDR_BAD_POSITION,	/* unaligned, unsorted, overlapping or out of range */
	RPCRDMA_HDR_TOO_LONG,		/* Read bytes plus inline bytes beyond max_message */
	RPCRDMA_HDR_NO_MESSAGE,		/* RDMA_NOMSG that no Position Zero Read chunk leads */
	RPCRDMA_HDR_BAD_XID,		/* header and RPC message disagree */
	RPCRDMA_HDR_VERDICTS		/* how many there are */
};

/**
 * struct rpcrdma_hdr_limits - what the Responder is willing to take
 * @max_message: bytes of the largest RPC message that can be assembled
 * @max_read_segments: segments in the whole Read list
 * @max_read_chunks: different positions in the Read list
 * @max_write_chunks: Write chunks in the Write list
 * @max_segments: segments in one Write or Reply chunk
 */
struct rpcrdma_hdr_limits {
	u32 max_message;
	u32 max_read_segments;
	u32 max_read_chunks;
	u32 max_write_chunks;
	u32 max_segments;
};

/**
 * struct rpcrdma_hdr_segment - one plain RDMA segment (RFC 8166 section 4.1.2)
 * @handle: steering tag of the Requester's memory
 * @length: bytes
 * @offset: where in that memory
 */
struct rpcrdma_hdr_segment {
	u32 handle;
	u32 length;
	u64 offset;
};

/**
 * struct rpcrdma_hdr_read_chunk - consecutive Read segments of one position
 * @position: byte offset in the unreduced message, 0 for a long call
 * @first: index of its first segment in the Read list
 * @segments: how many there are, at least 1
 * @length: sum of their lengths, bytes
 */
struct rpcrdma_hdr_read_chunk {
	u32 position;
	u32 first;
	u32 segments;
	u32 length;
};

/**
 * struct rpcrdma_hdr_write_chunk - a Write chunk or the Reply chunk
 * @at: byte offset of its first segment in the header
 * @segments: how many there are, may be 0 ("empty Write chunk")
 * @length: sum of their lengths, bytes; at most 2^32 - 1 of it is usable
 */
struct rpcrdma_hdr_write_chunk {
	u32 at;
	u32 segments;
	u64 length;
};

/**
 * struct rpcrdma_hdr - a decoded transport header
 *
 * Describes the bytes it was decoded from; it holds no copy of the lists, so
 * the bytes must outlive it. A peer that could change them (it cannot once the
 * Receive has completed) would void what was checked.
 *
 * @xid: of the RPC, host order
 * @vers: rdma_vers as received, valid also after RPCRDMA_HDR_BAD_VERSION
 * @credits: rdma_credit as received: requested by a call, granted by a reply
 * @proc: enum rpcrdma_hdr_proc
 * @length: bytes of the header: where an inline RPC message begins
 * @inline_length: bytes that follow the header, 0 with RDMA_NOMSG
 * @read_at: byte offset of the first Read segment's list item
 * @read_segments: in the Read list
 * @read_chunks: in the Read list
 * @read_length: bytes that the Read list transfers
 * @message_length: bytes of the assembled message, roundup of chunks included
 * @write_at: byte offset of the first Write chunk's list item
 * @write_chunks: in the Write list
 * @has_reply: the Reply chunk is present
 * @reply: the Reply chunk, all zero if absent
 * @is_reply: the inline message is an RPC reply: such a message is never answered
 *	      (RFC 8166 section 4.5)
 */
struct rpcrdma_hdr {
	u32 xid;
	u32 vers;
	u32 credits;
	u32 proc;
	u32 length;
	u32 inline_length;
	u32 read_at;
	u32 read_segments;
	u32 read_chunks;
	u32 read_length;
	u32 message_length;
	u32 write_at;
	u32 write_chunks;
	bool has_reply;
	bool is_reply;
	struct rpcrdma_hdr_write_chunk reply;
};

/* decode.c */

/*
 * After RPCRDMA_HDR_OK every chunk that the iterators yield lies inside the
 * bytes and inside the limits. After any other verdict they yield none; the
 * fields xid, vers, credits and proc are valid, except after
 * RPCRDMA_HDR_SHORT, and so is is_reply, where the lists could be followed to
 * the message. Where several verdicts apply, the first fault in the bytes
 * decides; positions and sums are looked at last.
 *
 * Read chunks are non-overlapping and in ascending order of position, and the
 * bytes between them are there: a position never lies beyond what the inline
 * part (or the Position Zero Read chunk) and the chunks before it provide. The
 * Position Zero Read chunk, if there is one, is the first. A chunk takes its
 * length rounded up to 4 bytes of the message, whether or not the Requester put
 * the padding into it (RFC 8166 section 3.4.5.2). Segments and chunks of length
 * zero are valid and kept; only a Position Zero Read chunk must have room for
 * an XID. Bytes after an RDMA_NOMSG header are ignored.
 *
 * An RDMA_MSG header of a reply decodes too, for the backchannel. Replies of
 * type RDMA_NOMSG do not: a Responder never receives one that it could use.
 */
enum rpcrdma_hdr_verdict
rpcrdma_hdr_decode(const u8 *buf, u32 len,
		   const struct rpcrdma_hdr_limits *limits,
		   struct rpcrdma_hdr *hdr);

/* The @index-th segment of the Read list, with its position. @index < read_segments. */
void rpcrdma_hdr_read_segment(const u8 *buf, const struct rpcrdma_hdr *hdr,
			      u32 index, struct rpcrdma_hdr_segment *segment,
			      u32 *position);

/*
 * Steps through the Read chunks: start with a zeroed @chunk; false when there
 * are no more.
 */
bool rpcrdma_hdr_next_read_chunk(const u8 *buf, const struct rpcrdma_hdr *hdr,
				 struct rpcrdma_hdr_read_chunk *chunk);

/*
 * Steps through the Write chunks: start with a zeroed @chunk; false when there
 * are no more.
 */
bool rpcrdma_hdr_next_write_chunk(const u8 *buf, const struct rpcrdma_hdr *hdr,
				  struct rpcrdma_hdr_write_chunk *chunk);

/* The plain segment at @p (RFC 8166 section 4.1.2). */
static inline void rpcrdma_hdr_load_segment(const u8 *p,
					    struct rpcrdma_hdr_segment *segment)
{
	segment->handle = rpcrdma_hdr_word(p);
	segment->length = rpcrdma_hdr_word(p + 4);
	segment->offset = (u64)rpcrdma_hdr_word(p + 8) << 32 |
			  rpcrdma_hdr_word(p + 12);
}

/* The @index-th segment of a Write or Reply chunk. @index < chunk->segments. */
static inline void
rpcrdma_hdr_write_segment(const u8 *buf,
			  const struct rpcrdma_hdr_write_chunk *chunk,
			  u32 index, struct rpcrdma_hdr_segment *segment)
{
	rpcrdma_hdr_load_segment(buf + chunk->at + index * RPCRDMA_HDR_SEGMENT,
				 segment);
}

/*
 * The steering tag to invalidate with the reply: that of the first segment with
 * a length, in the order Read list, Write list, Reply chunk. 0 if there is none.
 *
 * Use it only if the Requester set the R flag in its private data. That flag
 * says that every tag it offers may be invalidated (RFC 8797 section 3.2), so any
 * tag of this call will do. Segments without length are passed over because
 * their tag need not belong to a registration.
 */
u32 rpcrdma_hdr_invalidate_handle(const u8 *buf, const struct rpcrdma_hdr *hdr);

/*
 * A short name of @verdict for counters, traces and test output, such as
 * "bad_xid". Never NULL.
 */
const char *rpcrdma_hdr_verdict_name(enum rpcrdma_hdr_verdict verdict);

/* encode.c */

/**
 * struct rpcrdma_hdr_answer - what a Responder puts into a reply's header
 * @credits: granted to the Requester
 * @written: bytes written into each Write chunk of the call, in list order;
 *	     hdr->write_chunks entries, or NULL if nothing was written
 * @reply_written: bytes written into the Reply chunk; more than 0 makes this an
 *		   RDMA_NOMSG message
 */
struct rpcrdma_hdr_answer {
	u32 credits;
	const u32 *written;
	u32 reply_written;
};

/*
 * Bytes that rpcrdma_hdr_encode_reply() will need for a reply to @hdr: four words,
 * an empty Read list, and the Write list and the Reply chunk of the call, which
 * end its header and are answered in kind.
 */
static inline u32 rpcrdma_hdr_reply_size(const struct rpcrdma_hdr *hdr)
{
	return 5 * 4 + hdr->length - hdr->write_at;
}

/*
 * Encodes the header of the reply to the call whose header @hdr was decoded
 * from @call: the Read list empty, the Write list and the Reply chunk copied
 * with each segment's length set to what was written into it, filled in order
 * (RFC 8166 sections 3.4.6 and 4.3). Returns the bytes encoded, or 0 if @size
 * is too small or more was written than a chunk holds; @out is then undefined.
 */
u32 rpcrdma_hdr_encode_reply(u8 *out, u32 size, const u8 *call,
			     const struct rpcrdma_hdr *hdr,
			     const struct rpcrdma_hdr_answer *answer);

/*
 * Encodes the RDMA_ERROR message that answers @verdict: ERR_VERS for
 * RPCRDMA_HDR_BAD_VERSION, ERR_CHUNK for any other (RFC 8166 section 4.5).
 * Uses hdr->xid and hdr->vers only. Returns the bytes encoded, or 0 if @size is
 * too small or @verdict is one that must not be answered.
 */
u32 rpcrdma_hdr_encode_error(u8 *out, u32 size, const struct rpcrdma_hdr *hdr,
			     u32 credits, enum rpcrdma_hdr_verdict verdict);

/* Changes what an encoded message at @out grants. */
static inline void rpcrdma_hdr_set_credits(u8 *out, u32 credits)
{
	out[8] = credits >> 24;
	out[9] = credits >> 16;
	out[10] = credits >> 8;
	out[11] = credits;
}

/*
 * Encodes the header of a message without chunks that the caller sends as a
 * Requester: a reverse-direction call (RFC 8167). Always RPCRDMA_HDR_MIN bytes;
 * 0 if @size is too small.
 */
u32 rpcrdma_hdr_encode_call(u8 *out, u32 size, u32 xid, u32 credits);

#endif
