// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decoding the RPC-over-RDMA version 1 transport header of what a Requester
 * sent: see header.h.
 *
 * Decoding makes two passes. The first follows the three chunk lists to where
 * they end, which is where an inline message begins. Only then can the second
 * tell whether each Read chunk has a place in the message. Both are linear in
 * the number of bytes received, whatever these say.
 */
#include "header.h"
#include "header_sizes.h"

/* Bytes of a Read segment's list item: 1 PHLOO in RFC 8166 section 4.7 */
enum {
	READ_ITEM	= 2 * WORD + SEGMENT,
};

/* msg_type, RFC 5531 section 9 */
enum {
	MSG_REPLY	= 1,
};

struct cursor {
	const u8 *buf;
	u32 at;
	u32 end;
};

static u64 roundup_word(u64 length)
{
	return (length + WORD - 1) & ~(u64)(WORD - 1);
}

static enum rpcrdma_hdr_verdict take_word(struct cursor *in, u32 *word)
{
	if (in->end - in->at < WORD)
		return RPCRDMA_HDR_TRUNCATED;
	*word = rpcrdma_hdr_word(in->buf + in->at);
	in->at += WORD;
	return RPCRDMA_HDR_OK;
}

static enum rpcrdma_hdr_verdict take_bool(struct cursor *in, bool *value)
{
	enum rpcrdma_hdr_verdict verdict;
	u32 word;

	verdict = take_word(in, &word);
	if (verdict)
		return verdict;
	if (word > 1)
		return RPCRDMA_HDR_BAD_BOOL;
	*value = word;
	return RPCRDMA_HDR_OK;
}

static enum rpcrdma_hdr_verdict
scan_read_list(struct cursor *in, const struct rpcrdma_hdr_limits *limits,
	       struct rpcrdma_hdr *hdr)
{
	enum rpcrdma_hdr_verdict verdict;
	bool more;

	hdr->read_at = in->at;
	for (;;) {
		verdict = take_bool(in, &more);
		if (verdict || !more)
			return verdict;
		if (hdr->read_segments == limits->max_read_segments)
			return RPCRDMA_HDR_TOO_MANY;
		if (in->end - in->at < READ_ITEM - WORD)
			return RPCRDMA_HDR_TRUNCATED;
		in->at += READ_ITEM - WORD;
		hdr->read_segments++;
	}
}

/* @at: of the segment count */
static inline void load_write_chunk(const u8 *buf, u32 at,
				    struct rpcrdma_hdr_write_chunk *chunk)
{
	u32 index;

	chunk->segments = rpcrdma_hdr_word(buf + at);
	chunk->at = at + WORD;
	chunk->length = 0;
	for (index = 0; index < chunk->segments; index++)
		chunk->length += rpcrdma_hdr_word(buf + chunk->at + index * SEGMENT + WORD);
}

/* Returns with @in at the end of the chunk, whose bytes are then there. */
static enum rpcrdma_hdr_verdict
scan_write_chunk(struct cursor *in, const struct rpcrdma_hdr_limits *limits)
{
	enum rpcrdma_hdr_verdict verdict;
	u32 segments;

	verdict = take_word(in, &segments);
	if (verdict)
		return verdict;
	if (segments > limits->max_segments)
		return RPCRDMA_HDR_TOO_MANY;
	if (segments > (in->end - in->at) / SEGMENT)
		return RPCRDMA_HDR_TRUNCATED;
	in->at += segments * SEGMENT;
	return RPCRDMA_HDR_OK;
}

static enum rpcrdma_hdr_verdict
scan_write_list(struct cursor *in, const struct rpcrdma_hdr_limits *limits,
		struct rpcrdma_hdr *hdr)
{
	enum rpcrdma_hdr_verdict verdict;
	bool more;

	hdr->write_at = in->at;
	for (;;) {
		verdict = take_bool(in, &more);
		if (verdict || !more)
			return verdict;
		if (hdr->write_chunks == limits->max_write_chunks)
			return RPCRDMA_HDR_TOO_MANY;
		verdict = scan_write_chunk(in, limits);
		if (verdict)
			return verdict;
		hdr->write_chunks++;
	}
}

static enum rpcrdma_hdr_verdict
scan_reply_chunk(struct cursor *in, const struct rpcrdma_hdr_limits *limits,
		 struct rpcrdma_hdr *hdr)
{
	enum rpcrdma_hdr_verdict verdict;
	u32 at;

	verdict = take_bool(in, &hdr->has_reply);
	if (verdict || !hdr->has_reply)
		return verdict;
	at = in->at;
	verdict = scan_write_chunk(in, limits);
	if (verdict)
		return verdict;
	load_write_chunk(in->buf, at, &hdr->reply);
	return RPCRDMA_HDR_OK;
}

/*
 * The chunk whose first segment is @first, which exists. Its length is a
 * separate result because it may not fit into the chunk's before it is checked.
 */
static u64 load_read_chunk(const u8 *buf, const struct rpcrdma_hdr *hdr,
			   u32 first, struct rpcrdma_hdr_read_chunk *chunk)
{
	struct rpcrdma_hdr_segment segment;
	u32 position;
	u64 length;
	u32 index;

	rpcrdma_hdr_read_segment(buf, hdr, first, &segment, &chunk->position);
	length = segment.length;
	for (index = first + 1; index < hdr->read_segments; index++) {
		rpcrdma_hdr_read_segment(buf, hdr, index, &segment, &position);
		if (position != chunk->position)
			break;
		length += segment.length;
	}
	chunk->first = first;
	chunk->segments = index - first;
	return length;
}

/*
 * Gives each Read chunk its place in the message. @have counts the bytes of the
 * message that are known to exist: what was sent inline or is in the Position
 * Zero Read chunk, and the chunks so far. Positions count in the unreduced
 * message, so a chunk can begin at most there.
 */
static enum rpcrdma_hdr_verdict
place_read_chunks(const u8 *buf, const struct rpcrdma_hdr_limits *limits,
		  struct rpcrdma_hdr *hdr)
{
	struct rpcrdma_hdr_read_chunk chunk;
	u64 have = hdr->inline_length;
	u64 read_length = 0;
	u64 floor = WORD;	/* the XID is never reduced */
	u64 length;
	u32 index;

	for (index = 0; index < hdr->read_segments; index += chunk.segments) {
		length = load_read_chunk(buf, hdr, index, &chunk);
		if (hdr->read_chunks == limits->max_read_chunks)
			return RPCRDMA_HDR_TOO_MANY;
		hdr->read_chunks++;

		if (index == 0 && hdr->proc == RPCRDMA_PROC_NOMSG) {
			if (chunk.position != 0)
				return RPCRDMA_HDR_NO_MESSAGE;
			have = length;
		} else {
			if (chunk.position % WORD || chunk.position < floor ||
			    chunk.position > have)
				return RPCRDMA_HDR_BAD_POSITION;
			/*
			 * The Requester may have left the XDR padding out of
			 * the chunk, but the message needs it.
			 */
			have += roundup_word(length);
			floor = chunk.position + roundup_word(length);
		}
		read_length += length;
		if (have > limits->max_message)
			return RPCRDMA_HDR_TOO_LONG;
	}

	/* Without room for an XID it is no RPC message. */
	if (have < WORD)
		return RPCRDMA_HDR_NO_MESSAGE;
	if (have > limits->max_message)
		return RPCRDMA_HDR_TOO_LONG;
	hdr->read_length = read_length;
	hdr->message_length = have;
	return RPCRDMA_HDR_OK;
}

static enum rpcrdma_hdr_verdict
decode_lists(struct cursor *in, const struct rpcrdma_hdr_limits *limits,
	     struct rpcrdma_hdr *hdr)
{
	enum rpcrdma_hdr_verdict verdict;
	u32 xid;

	verdict = scan_read_list(in, limits, hdr);
	if (verdict)
		return verdict;
	verdict = scan_write_list(in, limits, hdr);
	if (verdict)
		return verdict;
	verdict = scan_reply_chunk(in, limits, hdr);
	if (verdict)
		return verdict;

	hdr->length = in->at;
	if (hdr->proc == RPCRDMA_PROC_MSG) {
		hdr->inline_length = in->end - in->at;
		/* Behind the XID: call or reply (RFC 5531 section 9). */
		hdr->is_reply = hdr->inline_length >= 2 * WORD &&
				rpcrdma_hdr_word(in->buf + in->at + WORD) == MSG_REPLY;
		verdict = take_word(in, &xid);
		if (verdict)
			return verdict;
		if (xid != hdr->xid)
			return RPCRDMA_HDR_BAD_XID;
	}
	return place_read_chunks(in->buf, limits, hdr);
}

enum rpcrdma_hdr_verdict
rpcrdma_hdr_decode(const u8 *buf, u32 len,
		   const struct rpcrdma_hdr_limits *limits,
		   struct rpcrdma_hdr *hdr)
{
	struct cursor in = { .buf = buf, .at = FIXED_PART, .end = len };
	enum rpcrdma_hdr_verdict verdict;

	*hdr = (struct rpcrdma_hdr){ 0 };
	if (len < RPCRDMA_HDR_MIN)
		return RPCRDMA_HDR_SHORT;

	hdr->xid = rpcrdma_hdr_word(buf);
	hdr->vers = rpcrdma_hdr_word(buf + WORD);
	hdr->credits = rpcrdma_hdr_word(buf + 2 * WORD);
	hdr->proc = rpcrdma_hdr_word(buf + 3 * WORD);

	/*
	 * RDMA_ERROR means the same in all versions. Answering one, of whatever
	 * version, with another could go on for ever.
	 */
	if (hdr->proc == RPCRDMA_PROC_ERROR)
		return RPCRDMA_HDR_DISCARD;
	if (hdr->vers != RPCRDMA_HDR_VERSION)
		return RPCRDMA_HDR_BAD_VERSION;
	if (hdr->proc == RPCRDMA_PROC_DONE)
		return RPCRDMA_HDR_DISCARD;
	if (hdr->proc != RPCRDMA_PROC_MSG && hdr->proc != RPCRDMA_PROC_NOMSG)
		return RPCRDMA_HDR_BAD_PROC;

	verdict = decode_lists(&in, limits, hdr);
	if (verdict)
		/* No half-decoded list is left for an iterator to follow. */
		*hdr = (struct rpcrdma_hdr){
			.xid = hdr->xid,
			.vers = hdr->vers,
			.credits = hdr->credits,
			.proc = hdr->proc,
			.is_reply = hdr->is_reply,
		};
	return verdict;
}

void rpcrdma_hdr_read_segment(const u8 *buf, const struct rpcrdma_hdr *hdr,
			      u32 index, struct rpcrdma_hdr_segment *segment,
			      u32 *position)
{
	const u8 *item = buf + hdr->read_at + index * READ_ITEM;

	*position = rpcrdma_hdr_word(item + WORD);
	rpcrdma_hdr_load_segment(item + 2 * WORD, segment);
}

bool rpcrdma_hdr_next_read_chunk(const u8 *buf, const struct rpcrdma_hdr *hdr,
				 struct rpcrdma_hdr_read_chunk *chunk)
{
	u32 next = chunk->first + chunk->segments;

	if (next >= hdr->read_segments)
		return false;
	chunk->length = load_read_chunk(buf, hdr, next, chunk);
	return true;
}

bool rpcrdma_hdr_next_write_chunk(const u8 *buf, const struct rpcrdma_hdr *hdr,
				  struct rpcrdma_hdr_write_chunk *chunk)
{
	u32 item = hdr->write_at;

	if (chunk->at)
		item = chunk->at + chunk->segments * SEGMENT;
	if (hdr->write_chunks == 0 || rpcrdma_hdr_word(buf + item) == 0)
		return false;
	load_write_chunk(buf, item + WORD, chunk);
	return true;
}

/* Of the first segment that has a length. @at: of the first of @count. */
static inline u32 first_handle(const u8 *buf, u32 at, u32 count)
{
	u32 handle;

	for (; count; count--, at += SEGMENT) {
		handle = rpcrdma_hdr_word(buf + at);
		if (handle && rpcrdma_hdr_word(buf + at + WORD))
			return handle;
	}
	return 0;
}

u32 rpcrdma_hdr_invalidate_handle(const u8 *buf, const struct rpcrdma_hdr *hdr)
{
	u32 at = hdr->write_at + WORD;
	u32 segments, handle, index;

	for (index = 0; index < hdr->read_segments; index++) {
		handle = first_handle(buf, hdr->read_at + index * READ_ITEM +
				      2 * WORD, 1);
		if (handle)
			return handle;
	}
	for (index = 0; index < hdr->write_chunks; index++) {
		segments = rpcrdma_hdr_word(buf + at);
		handle = first_handle(buf, at + WORD, segments);
		if (handle)
			return handle;
		at += WORD + segments * SEGMENT + WORD;
	}
	return first_handle(buf, hdr->reply.at, hdr->reply.segments);
}

const char *rpcrdma_hdr_verdict_name(enum rpcrdma_hdr_verdict verdict)
{
	switch (verdict) {
	case RPCRDMA_HDR_OK:
		return "ok";
	case RPCRDMA_HDR_SHORT:
		return "short";
	case RPCRDMA_HDR_DISCARD:
		return "discard";
	case RPCRDMA_HDR_BAD_VERSION:
		return "bad_version";
	case RPCRDMA_HDR_BAD_PROC:
		return "bad_proc";
	case RPCRDMA_HDR_TRUNCATED:
		return "truncated";
	case RPCRDMA_HDR_BAD_BOOL:
		return "bad_bool";
	case RPCRDMA_HDR_TOO_MANY:
		return "too_many";
	case RPCRDMA_HDR_BAD_POSITION:
		return "bad_position";
	case RPCRDMA_HDR_TOO_LONG:
		return "too_long";
	case RPCRDMA_HDR_NO_MESSAGE:
		return "no_message";
	case RPCRDMA_HDR_BAD_XID:
		return "bad_xid";
	case RPCRDMA_HDR_VERDICTS:
		break;
	}
	return "unknown";
}
