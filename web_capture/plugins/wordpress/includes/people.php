<?php
/**
 * Who is signed in. The page itself never says it, so that any page cache may keep it: a cookie with a meaningless
 * code tells our script that somebody signed in or out, and then it asks `admin-ajax.php`, which nobody caches.
 */

defined( 'ABSPATH' ) || exit;

const KARTOTEKA_MARK = '_kartoteka_user';

/** The hooks of sign-in and sign-out. */
function kartoteka_hook_people() {
	kartoteka_on( 'init', 'kartoteka_mark_browser' );
	kartoteka_on( 'wp_logout', 'kartoteka_unmark_browser' );
	kartoteka_on( 'wp_ajax_kartoteka_me', 'kartoteka_answer_me' );
	kartoteka_on( 'wp_ajax_nopriv_kartoteka_me', 'kartoteka_answer_me' );
}

/** What the snippet keeps in its cookie: the browser's id, or "deny" once the visitor has said no. */
function kartoteka_cookie() {
	return isset( $_COOKIE['_k'] ) && is_string( $_COOKIE['_k'] ) ? wp_unslash( $_COOKIE['_k'] ) : ''; // phpcs:ignore WordPress.Security.ValidatedSanitizedInput
}

/** Who is to be named to the hub: a signed-in customer, never the shop's own staff. */
function kartoteka_customer() {
	$user = wp_get_current_user();
	return $user && $user->ID && ! user_can( $user, 'edit_posts' ) ? $user : null;
}

/** What is said of a signed-in customer, with the proof. */
function kartoteka_me( $user, $secret ) {
	return array(
		'id'        => (string) $user->ID,
		'signature' => kartoteka_signature( $user->ID, $secret, kartoteka_text( $user->user_email ) ),
		'traits'    => kartoteka_said(
			array(
				'email'     => kartoteka_text( $user->user_email ),
				'firstName' => kartoteka_text( $user->first_name ),
				'lastName'  => kartoteka_text( $user->last_name ),
				'phone'     => kartoteka_text( get_user_meta( $user->ID, 'billing_phone', true ) ),
			)
		),
	);
}

/** A code that changes with the person and with what is said of them, and means nothing to anybody else. */
function kartoteka_mark( $user ) {
	return substr( hash_hmac( 'sha256', wp_json_encode( kartoteka_me( $user, '' ) ), wp_salt( 'auth' ) ), 0, 16 );
}

/** Keep the browser's mark in step with who is signed in. */
function kartoteka_mark_browser() {
	$user = kartoteka_customer();
	$mark = $user ? kartoteka_mark( $user ) : '';
	$kept = isset( $_COOKIE[ KARTOTEKA_MARK ] ) ? sanitize_text_field( wp_unslash( $_COOKIE[ KARTOTEKA_MARK ] ) ) : '';
	if ( $mark !== $kept ) {
		kartoteka_set_mark( $mark );
	}
}

/** Signed out: our script sees the mark gone and begins a new visitor. */
function kartoteka_unmark_browser() {
	kartoteka_set_mark( '' );
}

/** Set the cookie, or take it away. */
function kartoteka_set_mark( $mark ) {
	if ( headers_sent() ) {
		return;
	}
	setcookie(
		KARTOTEKA_MARK,
		$mark,
		array(
			'expires'  => '' === $mark ? 1 : time() + 14 * DAY_IN_SECONDS,
			'path'     => defined( 'COOKIEPATH' ) && COOKIEPATH ? COOKIEPATH : '/',
			'domain'   => defined( 'COOKIE_DOMAIN' ) && COOKIE_DOMAIN ? COOKIE_DOMAIN : '',
			'secure'   => is_ssl(),
			'httponly' => false,
			'samesite' => 'Lax',
		)
	);
}

/**
 * Tell our script who is signed in and what waited to be told. There is no nonce: it would be stale in a cached page.
 * Instead a header of our own, which no other site's page can send along without being allowed to.
 */
function kartoteka_answer_me() {
	nocache_headers();
	if ( ! isset( $_SERVER['HTTP_X_KARTOTEKA'] ) ) {
		wp_send_json( array(), 403 );
	}
	$user = kartoteka_customer();
	wp_send_json(
		array(
			'user'   => $user ? kartoteka_me( $user, kartoteka_setting( 'secret_key' ) ) : null,
			'events' => class_exists( 'WooCommerce' ) ? kartoteka_take_noted() : array(),
		)
	);
}
