<?php
/** The hub's address and the keys: as downloaded, unless somebody changed them on the settings page. */

defined( 'ABSPATH' ) || exit;

/** Hook in, so that nothing that goes wrong here disturbs the shop: a filter's value stays, the error is logged. */
function kartoteka_on( $hook, $function, $priority = 10, $arguments = 1 ) {
	add_filter(
		$hook,
		static function ( ...$given ) use ( $function ) {
			try {
				return $function( ...$given );
			} catch ( \Throwable $error ) {
				error_log( 'Kartoteka: ' . $error->getMessage() ); // phpcs:ignore WordPress.PHP.DevelopmentFunctions
				return isset( $given[0] ) ? $given[0] : null;
			}
		},
		$priority,
		$arguments
	);
}

/** All settings. */
function kartoteka_settings() {
	$defaults = require __DIR__ . '/defaults.php';
	$changed  = get_option( 'kartoteka', array() );
	$settings = array_merge( $defaults, is_array( $changed ) ? array_intersect_key( $changed, $defaults ) : array() );
	if ( defined( 'KARTOTEKA_SECRET_KEY' ) ) {
		$settings['secret_key'] = (string) KARTOTEKA_SECRET_KEY;
	}
	return array_map( 'strval', $settings );
}

/** One setting. */
function kartoteka_setting( $name ) {
	$settings = kartoteka_settings();
	return isset( $settings[ $name ] ) ? $settings[ $name ] : '';
}

/** Whether there is enough to print the tag. */
function kartoteka_ready() {
	return '' !== kartoteka_hub( kartoteka_setting( 'hub' ) ) && kartoteka_is_key( kartoteka_setting( 'site_key' ) );
}

/** An address of a hub without its last slash; empty when it is none. */
function kartoteka_hub( $said ) {
	$said = rtrim( trim( (string) $said ), '/' );
	return preg_match( '~\Ahttps?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._\~/\-]*)?\z~', $said ) ? $said : '';
}

/** Whether a text has the form of a key. */
function kartoteka_is_key( $said ) {
	return 1 === preg_match( '/\A[A-Za-z0-9_\-]{8,100}\z/', (string) $said );
}

/** What a key is called in the console: it tells keys apart and gives none away. */
function kartoteka_key_name( $key ) {
	return '' === $key ? '' : substr( hash( 'sha256', $key ), 0, 8 );
}
