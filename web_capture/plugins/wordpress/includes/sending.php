<?php
/**
 * Messages from this server to the hub, never in a visitor's way: each waits in an option of its own (two requests
 * at once lose nothing) until a job in the background has an answer. WooCommerce's Action Scheduler runs the job where
 * it is there, WordPress' own cron elsewhere. A message has an id, so one that goes out twice is one event at the hub.
 */

defined( 'ABSPATH' ) || exit;

/** Seconds to wait after each try that failed; after the last the message is given up. */
function kartoteka_waits() {
	return array( 60, 300, 1800, 7200, 21600, 43200, 86400 );
}

/** The job's hook. */
function kartoteka_hook_sending() {
	kartoteka_on( 'kartoteka_deliver', 'kartoteka_deliver' );
}

/** Keep a message and have it delivered soon. */
function kartoteka_send( array $message ) {
	$name = 'kartoteka_q_' . md5( $message['messageId'] );
	if ( add_option( $name, array( 'message' => $message, 'tries' => 0 ), '', 'no' ) ) {
		kartoteka_schedule( $name, 0 );
	}
}

/** Have a kept message delivered after some seconds. */
function kartoteka_schedule( $name, $seconds ) {
	if ( function_exists( 'as_schedule_single_action' ) ) {
		as_schedule_single_action( time() + $seconds, 'kartoteka_deliver', array( $name ), 'kartoteka' );
	} else {
		wp_schedule_single_event( time() + $seconds, 'kartoteka_deliver', array( $name ) );
	}
}

/** Deliver a kept message; later again when the hub can't take it now. */
function kartoteka_deliver( $name ) {
	$kept = get_option( $name );
	if ( ! is_array( $kept ) || empty( $kept['message'] ) ) {
		return;
	}
	$status = kartoteka_post( $kept['message'] );
	$waits  = kartoteka_waits();
	// 400 and 413 say that the message itself is no good: it will not be better tomorrow
	if ( ( $status >= 200 && $status < 300 ) || 400 === $status || 413 === $status || $kept['tries'] >= count( $waits ) ) {
		delete_option( $name );
		return;
	}
	update_option( $name, array( 'message' => $kept['message'], 'tries' => $kept['tries'] + 1 ), 'no' );
	kartoteka_schedule( $name, $waits[ $kept['tries'] ] );
}

/** Send a message now; the hub's status, 0 when it can't be reached. */
function kartoteka_post( array $message ) {
	$answer = wp_remote_post(
		kartoteka_hub( kartoteka_setting( 'hub' ) ) . '/v1/track',
		array(
			'timeout'     => 10,
			'redirection' => 0,
			'headers'     => array(
				'Authorization' => 'Basic ' . base64_encode( kartoteka_setting( 'secret_key' ) . ':' ),
				'Content-Type'  => 'application/json',
			),
			'body'        => wp_json_encode( array( 'sentAt' => gmdate( 'Y-m-d\TH:i:s\Z' ) ) + $message, JSON_INVALID_UTF8_SUBSTITUTE ),
		)
	);
	return is_wp_error( $answer ) ? 0 : (int) wp_remote_retrieve_response_code( $answer );
}
